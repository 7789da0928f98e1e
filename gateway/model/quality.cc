#include "gateway/model/quality.h"

#include "gateway/model/rows.h"

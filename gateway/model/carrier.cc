#include "gateway/model/carrier.h"

#include "config/reader/reader.h"

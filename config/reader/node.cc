#include "config/reader/node.h"

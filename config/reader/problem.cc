#include "config/reader/problem.h"

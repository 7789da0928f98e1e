#include "config/reader/secret.h"

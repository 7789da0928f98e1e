#include "config/reader/data_files.h"

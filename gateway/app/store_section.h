// The section `store`: where the journal lies, and how much of it is kept.
#pragma once

#include "config/reader/reader.h"
#include "gateway/store/store_config.h"

namespace carbongate::app {

store::StoreConfig read_store(config::Reader& root);

}  // namespace carbongate::app

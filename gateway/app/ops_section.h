// The section `ops` of a configuration: the HTTP server.
#pragma once

#include <optional>

#include "config/reader/reader.h"
#include "gateway/ops/config.h"

namespace carbongate::app {

// nullopt: there is none, and no server. Problems go to the reader.
std::optional<ops::Config> read_ops(config::Reader& root);

}  // namespace carbongate::app

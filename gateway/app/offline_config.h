// The configuration, for commands that connect nowhere.
#pragma once

#include <filesystem>

#include "config/reader/problem.h"
#include "gateway/app/gateway_config.h"

namespace carbongate::app {

// As load_config(), but what only connections need (passwords, tokens, certificates and their keys) is neither read nor
// missed, so that nobody needs it to look at a store: nothing of it may connect. Nor is the ledger's key, unless what
// is opened with it signs.
enum class Signing : bool { no, yes };
GatewayConfig load_offline_config(const std::filesystem::path& file, config::Problems& problems,
                                  Signing signing = Signing::no);

}  // namespace carbongate::app

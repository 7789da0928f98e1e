#include "gateway/app/offline_config.h"

#include "config/reader/unused_secrets.h"

namespace carbongate::app {

GatewayConfig load_offline_config(const std::filesystem::path& file, config::Problems& problems, Signing signing) {
  const config::UnusedSecrets unused(signing == Signing::yes ? config::Secrets::of_connections : config::Secrets::all);
  return load_config(file, problems);
}

}  // namespace carbongate::app

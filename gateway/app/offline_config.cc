#include "gateway/app/offline_config.h"

#include "config/reader/unused_secrets.h"

namespace carbongate::app {

GatewayConfig load_offline_config(const std::filesystem::path& file, config::Problems& problems) {
  const config::UnusedSecrets unused;
  return load_config(file, problems);
}

}  // namespace carbongate::app

// Apart from export.cc, which knows nothing of configurations.
#include <sysexits.h>

#include <ostream>
#include <utility>

#include "gateway/app/offline_config.h"
#include "gateway/cli/export.h"

namespace carbongate::cli {

int run_export(const std::filesystem::path& config, ExportOptions options, std::ostream& out, std::ostream& err) {
  config::Problems problems;
  const app::GatewayConfig site = app::load_offline_config(config, problems);
  if (problems.has_errors()) {
    err << problems.to_text();
    return EX_CONFIG;
  }
  if (options.store.empty()) options.store = site.store.path;
  if (options.time_zone.empty()) options.time_zone = site.site.time_zone;
  return run_export(options, out, err);
}

}  // namespace carbongate::cli

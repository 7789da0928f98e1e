#include "gateway/cli/key.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <ostream>

#include "gateway/app/offline_config.h"
#include "gateway/cli/fault_status.h"
#include "gateway/ledger/key.h"
#include "gateway/store/key_file.h"
#include "gateway/store/key_rotation.h"
#include "protocols/io/system_clock.h"

namespace carbongate::cli {

int run_key(const KeyOptions& options, std::ostream& out, std::ostream& err) {
  if (options.lost && !options.rotate) {
    err << "--lost goes with --rotate\n";
    return EX_USAGE;
  }
  config::Problems problems;
  app::GatewayConfig config = app::load_offline_config(options.config, problems);
  err << problems.to_text();
  if (problems.has_errors()) return EX_CONFIG;
  if (!options.store.empty()) config.store.path = options.store;

  std::optional<ledger::PublicKey> key;
  if (options.rotate) {
    const auto result = store::rotate_key(config.store, config.site.id, options.lost, io::SystemClock().now());
    if (result.has_error()) {
      err << result.error().text << "\n";
      return status_of(result.error(), EX_CANTCREAT);
    }
    key = *result;
  } else {
    key = store::read_public_key(config.store.path / store::kLedgerPublicFile);
  }
  if (!key) {
    err << fmt::format("{}: no key yet; it is made when the gateway first runs\n",
                       (config.store.path / store::kLedgerPublicFile).string());
    return EX_NOINPUT;
  }
  out << ledger::to_pem(*key);
  err << ledger::fingerprint(*key) << "\n";
  return 0;
}

}  // namespace carbongate::cli

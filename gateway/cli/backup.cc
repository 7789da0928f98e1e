#include "gateway/cli/backup.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <optional>
#include <ostream>
#include <string>

#include "gateway/app/offline_config.h"
#include "gateway/cli/fault_status.h"
#include "gateway/store/backup.h"
#include "gateway/store/salvage.h"

namespace carbongate::cli {
namespace {

std::optional<store::StoreConfig> store_of(const std::filesystem::path& config, const std::filesystem::path& instead,
                                           std::ostream& err) {
  config::Problems problems;
  app::GatewayConfig site = app::load_offline_config(config, problems);
  err << problems.to_text();
  if (problems.has_errors()) return std::nullopt;
  if (!instead.empty()) site.store.path = instead;
  return site.store;
}

}  // namespace

int run_backup(const BackupOptions& options, std::ostream& out, std::ostream& err) {
  const auto config = store_of(options.config, options.store, err);
  if (!config) return EX_CONFIG;
  const auto report = store::back_up(*config, options.to, options.with_key);
  if (report.has_error()) {
    err << report.error().text << "\n";
    return status_of(report.error(), EX_CANTCREAT);
  }
  out << fmt::format(
      "{}: {} bytes, journal up to row {}, {} entries in the ledger; {}\n", options.to.string(), report->bytes,
      report->rows, report->entries,
      report->has_key ? "with the ledger's private key: keep it from others" : "without the ledger's private key");
  return 0;
}

int run_repair(const RepairOptions& options, std::ostream& out, std::ostream& err) {
  const auto config = store_of(options.config, options.store, err);
  if (!config) return EX_CONFIG;
  const auto findings = store::find_damage(config->path);
  if (findings.has_error()) {
    err << findings.error().text << "\n";
    return status_of(findings.error(), EX_CANTCREAT);
  }
  for (const std::string& finding : *findings) out << finding << "\n";
  if (findings->empty()) {
    out << config->path.string() << ": sound\n";
    return 0;
  }
  if (options.check) return 1;
  const auto report = store::repair(config->path, findings->front());
  if (report.has_error()) {
    err << report.error().text << "\n";
    return status_of(report.error(), EX_CANTCREAT);
  }
  out << report->to_text();
  return 0;
}

}  // namespace carbongate::cli

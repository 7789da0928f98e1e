#include "gateway/app/store_section.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "config/reader/byte_size.h"
#include "config/reader/directory.h"
#include "config/reader/text.h"
#include "config/reader/unused_secrets.h"
#include "gateway/store/key_file.h"

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSizeMin = 64ull << 20;  // below that a day of a small site would not fit
constexpr std::uint64_t kSizeMax = 1ull << 40;   // SQLite counts pages, of 512 bytes here, in 32 bits

// The file is made at the first start; what is there must be for the gateway's eyes alone.
void read_ledger_key(config::Reader& in, store::StoreConfig& store) {
  const auto file = in.optional<std::string>("ledger_key_file");
  const auto variable = in.optional<std::string>("ledger_key_env");
  if (file && variable) {
    in.error("ledger_key_env", "'ledger_key_file' is given too; one of them is enough");
  } else if (file) {
    const auto beside = std::filesystem::path(in.node().place().file).parent_path();
    store.ledger_key_file = (beside / *file).lexically_normal();
  } else if (variable && config::UnusedSecrets::apply_to_all()) {
    return;
  } else if (variable) {
    const char* value = std::getenv(variable->c_str());
    if (value == nullptr || *value == '\0') {
      in.error("ledger_key_env", "the environment variable '" + config::printable(*variable) + "' is not set");
    } else {
      store.ledger_key = config::Secret(value);
    }
  }
  if (!store.ledger_key.empty()) return;
  const auto key = store::key_file_of(store);
  std::error_code error;
  const auto mode = std::filesystem::status(key, error).permissions();
  if (!error && (mode & std::filesystem::perms::others_read) != std::filesystem::perms::none) {
    in.warning(file ? "ledger_key_file" : "path",
               "'" + key.string() +
                   "' can be read by everyone, who can then sign a forged ledger; run: "
                   "chmod o= " +
                   key.string());
  }
}

}  // namespace

store::StoreConfig read_store(config::Reader& root) {
  store::StoreConfig store;
  const config::Node* node = root.child("store");
  if (!node) {
    root.missing("store", "missing; write 'store: {path: /var/lib/carbongate}'");
    return store;
  }
  config::Reader in(*node, root.problems());
  store.path = config::read_directory(in, "path");
  store.size_max = config::read_byte_size(in, "size_max", store.size_max, {kSizeMin, kSizeMax});
  store.keep_readings = in.in_range<Duration>("keep_readings", store.keep_readings, 24h, 24h * 366 * 100);
  store.keep_totals = in.in_range<Duration>("keep_totals", store.keep_totals, 1h, 24h * 366 * 100);
  store.keep_intervals = in.in_range<Duration>("keep_intervals", store.keep_intervals, 24h, 24h * 366 * 100);
  store.keep_deliveries = in.in_range<Duration>("keep_deliveries", store.keep_deliveries, 24h, 24h * 366 * 100);
  read_ledger_key(in, store);
  in.finish();
  return store;
}

}  // namespace carbongate::app

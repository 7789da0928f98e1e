#include "gateway/app/store_section.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "config/reader/text.h"
#include "gateway/store/key_file.h"

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr SizeUnit kSizeUnits[] = {{"TiB", 1ull << 40},
                                   {"TB", 1'000'000'000'000},
                                   {"GiB", 1ull << 30},
                                   {"GB", 1'000'000'000},
                                   {"MiB", 1ull << 20},
                                   {"MB", 1'000'000},
                                   {"KiB", 1ull << 10},
                                   {"kB", 1'000},
                                   {"B", 1}};

constexpr std::uint64_t kSizeMin = 64ull << 20;  // below that a day of a small site would not fit
constexpr std::uint64_t kSizeMax = 16ull << 40;

void read_size(config::Reader& in, std::uint64_t& size) {
  const auto text = in.optional<std::string>("size_max");
  if (!text) return;
  const auto bytes = parse_byte_size(*text);
  if (!bytes) {
    in.error("size_max", "expected a size such as 512MiB or 8GiB, found '" + config::printable(*text) + "'");
  } else if (*bytes < kSizeMin || *bytes > kSizeMax) {
    in.error("size_max",
             *text + " is out of range; allowed: " + format_byte_size(kSizeMin) + " to " + format_byte_size(kSizeMax));
  } else {
    size = *bytes;
  }
}

// The directory itself is made at the first start; what stands in its place must not be something else.
void check_directory(config::Reader& in, const std::filesystem::path& path) {
  std::error_code ignored;
  for (std::filesystem::path part = path; !part.empty(); part = part.parent_path()) {
    if (std::filesystem::exists(part, ignored)) {
      if (!std::filesystem::is_directory(part, ignored)) in.error("path", "'" + part.string() + "' is not a directory");
      return;
    }
    if (part == part.parent_path()) return;
  }
}

// The file is made at the first start; what is there must be for the gateway's eyes alone.
void read_ledger_key(config::Reader& in, store::StoreConfig& store) {
  const auto file = in.optional<std::string>("ledger_key_file");
  const auto variable = in.optional<std::string>("ledger_key_env");
  if (file && variable) {
    in.error("ledger_key_env", "'ledger_key_file' is given too; one of them is enough");
  } else if (file) {
    const auto beside = std::filesystem::path(in.node().place().file).parent_path();
    store.ledger_key_file = (beside / *file).lexically_normal();
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

std::optional<std::uint64_t> parse_byte_size(std::string_view text) {
  double number = 0;
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  const char* end = text.data() + text.size();
  const auto [parsed_to, code] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (code != std::errc{}) return std::nullopt;
  std::string_view name(parsed_to, static_cast<std::size_t>(end - parsed_to));
  if (name.starts_with(' ')) name.remove_prefix(1);
  for (const SizeUnit& unit : kSizeUnits) {
    if (unit.name != name) continue;
    const double bytes = std::floor(number * static_cast<double>(unit.bytes));
    if (!(bytes < 9.2e18)) return std::nullopt;
    return static_cast<std::uint64_t>(bytes);
  }
  return std::nullopt;
}

std::string format_byte_size(std::uint64_t bytes) {
  for (const SizeUnit& unit : kSizeUnits) {
    if (bytes >= unit.bytes && bytes % unit.bytes == 0)
      return std::to_string(bytes / unit.bytes) + std::string(unit.name);
  }
  return "0B";
}

store::StoreConfig read_store(config::Reader& root) {
  store::StoreConfig store;
  const config::Node* node = root.child("store");
  if (!node) {
    root.missing("store", "missing; write 'store: {path: /var/lib/carbongate}'");
    return store;
  }
  config::Reader in(*node, root.problems());
  const std::string path = in.required<std::string>("path");
  if (!path.empty()) {
    const auto beside = std::filesystem::path(node->place().file).parent_path();
    store.path = (beside / path).lexically_normal();  // an absolute path stays as it is
    check_directory(in, store.path);
  }
  read_size(in, store.size_max);
  store.keep_readings = in.in_range<Duration>("keep_readings", store.keep_readings, 24h, 24h * 366 * 100);
  read_ledger_key(in, store);
  in.finish();
  return store;
}

}  // namespace carbongate::app

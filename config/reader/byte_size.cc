#include "config/reader/byte_size.h"

#include <charconv>
#include <cmath>
#include <system_error>

#include "config/reader/text.h"

namespace carbongate::config {
namespace {

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

std::uint64_t read_byte_size(Reader& in, std::string_view key, std::uint64_t fallback, ByteRange range) {
  const auto text = in.optional<std::string>(key);
  if (!text) return fallback;
  const auto bytes = parse_byte_size(*text);
  if (!bytes) {
    in.error(key, "expected a size such as 512MiB or 8GiB, found '" + printable(*text) + "'");
  } else if (*bytes < range.min || *bytes > range.max) {
    in.error(key, *text + " is out of range; allowed: " + format_byte_size(range.min) + " to " +
                      format_byte_size(range.max));
  } else {
    return *bytes;
  }
  return fallback;
}

}  // namespace carbongate::config

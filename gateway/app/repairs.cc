#include "gateway/app/repairs.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "config/reader/text.h"
#include "drivers/api/kept_bits.h"
#include "gateway/cli/time_text.h"

namespace carbongate::app {
namespace {

using Type = ByteRepair::Type;

constexpr std::array<std::string_view, 4> kOrders{"abcd", "cdab", "badc", "dcba"};

constexpr std::array<std::string_view, 8> kTypes{"uint16",  "int16",  "uint32", "int32",
                                                 "float32", "uint64", "int64",  "float64"};
constexpr double kExactMax = 0x1p53;                         // whole numbers that a double tells apart
constexpr std::uint64_t kRightMax = std::uint64_t{1} << 48;  // no counter of 64 bits gets there

unsigned words_of(Type type) {
  switch (type) {
    case Type::uint16:
    case Type::int16: return 1;
    case Type::uint32:
    case Type::int32:
    case Type::float32: return 2;
    case Type::uint64:
    case Type::int64:
    case Type::float64: return 4;
  }
  return 1;
}

double number_of(std::uint64_t bits, Type type) {
  switch (type) {
    case Type::uint16:
    case Type::uint32:
    case Type::uint64: return static_cast<double>(bits);
    case Type::int16: return static_cast<std::int16_t>(bits);
    case Type::int32: return static_cast<std::int32_t>(bits);
    case Type::int64: return static_cast<double>(static_cast<std::int64_t>(bits));
    case Type::float32: return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    case Type::float64: return std::bit_cast<double>(bits);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

// As drivers/modbus/register_field.h has it: words in the other order, bytes within words in the other order.
std::uint64_t reordered(std::uint64_t bits, unsigned words, const std::string& was, const std::string& is) {
  const auto low_word_first = [](const std::string& order) { return order == "cdab" || order == "dcba"; };
  const auto low_byte_first = [](const std::string& order) { return order == "badc" || order == "dcba"; };
  const bool swaps_words = low_word_first(was) != low_word_first(is);
  const bool swaps_bytes = low_byte_first(was) != low_byte_first(is);
  std::uint64_t right = 0;
  for (unsigned i = 0; i < words; ++i) {  // from the lowest
    std::uint64_t word = bits >> (16 * i) & 0xFFFF;
    if (swaps_bytes) word = (word & 0xFF) << 8 | word >> 8;
    right |= word << (16 * (swaps_words ? words - 1 - i : i));
  }
  return right;
}

std::optional<std::uint64_t> float_bits(double number) {
  const auto as_float = static_cast<float>(number);
  if (std::isinf(number)) return std::bit_cast<std::uint32_t>(as_float);
  // The double came from a float through one rounding: within two of its own steps, far less than a float's.
  if (!std::isfinite(as_float) || std::abs(static_cast<double>(as_float) - number) > std::abs(number) * 0x1p-50) {
    return std::nullopt;
  }
  return std::bit_cast<std::uint32_t>(as_float);
}

// Without a scale a double is its own register; with one, it is if one double alone gives the value.
std::optional<std::uint64_t> double_bits(double stored, double scale) {
  const double near = stored / scale;
  if (scale == 1.0 || std::isinf(near)) return std::bit_cast<std::uint64_t>(near);
  std::optional<std::uint64_t> found;
  for (const double candidate : {std::nextafter(near, -INFINITY), near, std::nextafter(near, INFINITY)}) {
    if (candidate * scale != stored) continue;
    if (found) return std::nullopt;
    found = std::bit_cast<std::uint64_t>(candidate);
  }
  return found;
}

std::optional<std::uint64_t> whole_bits(double number, Type type) {
  const double whole = std::nearbyint(number);
  if (std::abs(whole - number) > std::max(1.0, std::abs(number)) * 0x1p-40) return std::nullopt;
  const int bits = static_cast<int>(words_of(type)) * 16;
  const bool is_signed = type == Type::int16 || type == Type::int32 || type == Type::int64;
  const double end = std::ldexp(1.0, is_signed ? bits - 1 : bits);
  if (whole < (is_signed ? -end : 0.0) || whole >= end) return std::nullopt;
  const auto raw =
      whole < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(whole)) : static_cast<std::uint64_t>(whole);
  return bits == 64 ? raw : raw & ((std::uint64_t{1} << bits) - 1);
}

ByteRepair read_bytes(const config::Node& node, config::Problems& problems) {
  config::Reader in(node, problems);
  ByteRepair bytes;
  const auto order = [&](std::string_view key) {
    in.required<std::string>(key);
    return std::string(kOrders[in.one_of(key, {kOrders[0], kOrders[1], kOrders[2], kOrders[3]}, 0)]);
  };
  bytes.was = order("was");
  bytes.is = order("is");
  in.required<std::string>("type");
  bytes.type = static_cast<Type>(
      in.one_of("type", {kTypes[0], kTypes[1], kTypes[2], kTypes[3], kTypes[4], kTypes[5], kTypes[6], kTypes[7]}, 2));
  bytes.scale = in.value_or("scale", 1.0);
  if (!(std::abs(bytes.scale) > 0) || !std::isfinite(bytes.scale)) in.error("scale", "must be a number other than 0");
  if (in.has("was") && in.has("is") && bytes.was == bytes.is) in.error("is", "the same as 'was': nothing to repair");
  in.finish();
  return bytes;
}

std::optional<Instant> read_time(config::Reader& in, std::string_view key, const std::string& zone) {
  const auto text = in.optional<std::string>(key);
  if (!text) return std::nullopt;
  const auto time = cli::parse_time(*text, zone);
  if (!time) {
    in.error(key, "'" + config::printable(*text) +
                      "' is not a time; write 2026-03-01, 2026-03-01T12:00 or 2026-03-01T12:00:00+08:00");
  }
  return time;
}

Repair read_repair(config::Reader& in, std::span<const Point> points, const std::string& zone) {
  Repair repair;
  const std::string name = in.required<std::string>("point");
  std::vector<std::string> names;
  for (const Point& point : points) names.push_back(point.full_name());
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) {
    repair.point = static_cast<PointId>(found - names.begin());
  } else if (!name.empty()) {
    in.error("point", "unknown point '" + config::printable(name) + "'" + config::suggestion(name, names));
  }
  in.required<std::string>("from");
  repair.from = read_time(in, "from", zone).value_or(Instant{});
  repair.until = read_time(in, "until", zone).value_or(Instant::max());
  if (repair.until <= repair.from) in.error("until", "not after 'from'");
  repair.scale = in.value_or("scale", 1.0);
  repair.offset = in.value_or("offset", 0.0);
  if (!(std::abs(repair.scale) > 0) || !std::isfinite(repair.scale)) {
    in.error("scale", "must be a number other than 0");
  }
  if (const config::Node* bytes = in.child("byte_order")) repair.bytes = read_bytes(*bytes, in.problems());
  if (!repair.bytes && repair.scale == 1.0 && repair.offset == 0.0) {
    in.error("point", "nothing to repair; give 'scale', 'offset' or 'byte_order'");
  }
  repair.reason = in.required<std::string>("reason");
  in.finish();
  return repair;
}

}  // namespace

std::optional<double> ByteRepair::operator()(double stored) const {
  const auto right_bits = right_of(stored);
  if (!right_bits) return std::nullopt;
  const double right = number_of(*right_bits, type) * scale;
  return std::isfinite(right) ? std::optional(right) : std::nullopt;
}

std::optional<std::uint64_t> ByteRepair::right_of(double stored) const {
  const unsigned words = words_of(type);
  std::optional<std::uint64_t> bits;
  if (std::isnan(stored)) {
    if (words < 4 || type == Type::float64) bits = bits_kept(stored, words * 16);
  } else if (type == Type::float32) {
    bits = float_bits(stored / scale);
  } else if (type == Type::float64) {
    bits = double_bits(stored, scale);
  } else if (words == 4 && std::abs(stored / scale) >= kExactMax) {
    return right_of_large(stored / scale);
  } else {
    bits = whole_bits(stored / scale, type);
  }
  return bits ? std::optional(reordered(*bits, words, was, is)) : std::nullopt;
}

// Several registers are the same double. The one whose right value a counter can have is looked for among them.
std::optional<std::uint64_t> ByteRepair::right_of_large(double number) const {
  const auto exact = whole_bits(number, type);
  if (!exact) return std::nullopt;
  const auto step =
      static_cast<std::uint64_t>(std::nextafter(std::abs(number), INFINITY) - std::abs(number));  // of doubles there
  std::optional<std::uint64_t> found;
  for (std::uint64_t bits = *exact - step; bits != *exact + step + 1; ++bits) {
    const std::uint64_t right = reordered(bits, 4, was, is);
    if (right >= kRightMax) continue;
    if (found) return std::nullopt;
    found = right;
  }
  return found;
}

std::optional<double> Repair::operator()(double stored) const {
  if (bytes) {
    const auto reordered = (*bytes)(stored);
    if (!reordered) return std::nullopt;
    stored = *reordered;
  }
  return stored * scale + offset;
}

std::vector<Repair> read_repairs(config::Reader& root, std::span<const Point> points, const std::string& time_zone) {
  std::vector<Repair> repairs;
  for (const config::Node& item : root.items("repairs")) {
    config::Reader in(item, root.problems());
    repairs.push_back(read_repair(in, points, time_zone));
  }
  return repairs;
}

}  // namespace carbongate::app

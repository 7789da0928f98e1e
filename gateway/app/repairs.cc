#include "gateway/app/repairs.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "config/reader/text.h"
#include "gateway/cli/time_text.h"

namespace carbongate::app {
namespace {

using Type = ByteRepair::Type;

constexpr std::array<std::string_view, 4> kOrders{"abcd", "cdab", "badc", "dcba"};

bool is_float(Type type) {
  return type == Type::float32;
}

// The register, as bits, whose value this is; nullopt: there is none.
std::optional<std::uint32_t> bits_of(double number, Type type) {
  if (is_float(type)) {
    const auto as_float = static_cast<float>(number);
    // The double came from a float through one rounding: within two of its own steps, far less than a float's.
    if (!std::isfinite(as_float) || std::abs(static_cast<double>(as_float) - number) > std::abs(number) * 0x1p-50) {
      return std::nullopt;
    }
    return std::bit_cast<std::uint32_t>(as_float);
  }
  const double whole = std::nearbyint(number);
  if (std::abs(whole - number) > std::max(1.0, std::abs(number)) * 0x1p-40) return std::nullopt;
  const auto fits = [whole](double min, double max) { return min <= whole && whole <= max; };
  switch (type) {
    case Type::uint16: return fits(0, 65'535) ? std::optional(static_cast<std::uint32_t>(whole)) : std::nullopt;
    case Type::uint32:
      return fits(0, 4'294'967'295.0) ? std::optional(static_cast<std::uint32_t>(whole)) : std::nullopt;
    case Type::int16:
      if (!fits(-32'768, 32'767)) return std::nullopt;
      return static_cast<std::uint32_t>(static_cast<std::int32_t>(whole)) & 0xFFFF;
    case Type::int32:
      if (!fits(-2'147'483'648.0, 2'147'483'647.0)) return std::nullopt;
      return static_cast<std::uint32_t>(static_cast<std::int32_t>(whole));
    case Type::float32: break;
  }
  return std::nullopt;
}

double number_of(std::uint32_t bits, Type type) {
  switch (type) {
    case Type::uint16:
    case Type::uint32: return bits;
    case Type::int16: return static_cast<std::int16_t>(bits);
    case Type::int32: return static_cast<std::int32_t>(bits);
    case Type::float32: return std::bit_cast<float>(bits);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

std::uint8_t byte_of(std::uint32_t bits, char letter) {  // 'a': the highest
  return static_cast<std::uint8_t>(bits >> (8 * ('d' - letter)));
}

// A 16-bit register has the bytes a and b only, which two of the orders swap.
std::uint32_t reordered16(std::uint32_t bits, const std::string& was, const std::string& is) {
  const auto swaps = [](const std::string& order) { return order == "badc" || order == "dcba"; };
  return swaps(was) == swaps(is) ? bits : ((bits & 0xFF) << 8) | (bits >> 8);
}

std::uint32_t reordered32(std::uint32_t bits, const std::string& was, const std::string& is) {
  std::uint32_t right = 0;
  for (std::size_t i = 0; i < 4; ++i) {  // the i-th byte on the wire
    right |= std::uint32_t{byte_of(bits, was[i])} << (8 * ('d' - is[i]));
  }
  return right;
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
  bytes.type = static_cast<Type>(in.one_of("type", {"uint16", "int16", "uint32", "int32", "float32"}, 2));
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
  const auto bits = bits_of(stored / scale, type);
  if (!bits) return std::nullopt;
  const bool is_16_bit = type == Type::uint16 || type == Type::int16;
  const double right = number_of(is_16_bit ? reordered16(*bits, was, is) : reordered32(*bits, was, is), type) * scale;
  return std::isfinite(right) ? std::optional(right) : std::nullopt;
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

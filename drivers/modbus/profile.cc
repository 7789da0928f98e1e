#include "drivers/modbus/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "config/reader/text.h"
#include "drivers/meter_history.h"
#include "drivers/point_limits.h"

namespace carbongate::modbus_driver {
namespace {

using namespace std::chrono_literals;
using config::printable;

constexpr unsigned kAddressEnd = 65'536;

modbus::Function read_function(config::Reader& in, modbus::Function fallback) {
  return static_cast<modbus::Function>(in.in_range<int>("function", static_cast<int>(fallback), 1, 4));
}

std::optional<RegisterType> find_type(std::string_view name) {
  const auto found = std::ranges::find(kRegisterTypeNames, name);
  if (found == std::end(kRegisterTypeNames)) return std::nullopt;
  return static_cast<RegisterType>(found - std::begin(kRegisterTypeNames));
}

std::vector<std::string> type_names() {
  return {std::begin(kRegisterTypeNames), std::end(kRegisterTypeNames)};
}

std::optional<RegisterType> read_type(config::Reader& in) {
  const auto name = in.optional<std::string>("type");
  if (!name) return std::nullopt;
  const auto type = find_type(*name);
  if (!type) in.error("type", "unknown type '" + printable(*name) + "'" + config::suggestion(*name, type_names()));
  return type;
}

ByteOrder read_order(config::Reader& in, ByteOrder fallback) {
  return static_cast<ByteOrder>(
      in.one_of("order", {"ABCD", "CDAB", "BADC", "DCBA"}, static_cast<std::size_t>(fallback)));
}

std::vector<BitPattern> read_patterns(config::Reader& in, std::string_view key, RegisterType type) {
  std::vector<BitPattern> patterns;
  for (const std::string& text : in.value_or(key, std::vector<std::string>{})) {
    const auto pattern = BitPattern::parse(text, type);
    if (pattern) {
      patterns.push_back(*pattern);
    } else {
      in.error(key,
               fmt::format("'{}' is no bit pattern of {}: write 0x and {} hexadecimal digits, '?' for any",
                           printable(text), kRegisterTypeNames[static_cast<std::size_t>(type)], 4 * words_of(type)));
    }
  }
  return patterns;
}

std::map<RegisterType, std::vector<BitPattern>> read_patterns_by_type(config::Reader& in) {
  std::map<RegisterType, std::vector<BitPattern>> out;
  const config::Node* node = in.child("not_available");
  if (!node) return out;
  config::Reader by_type(*node, in.problems());
  for (const config::Node::Member& member : node->members()) {
    if (const auto type = find_type(member.key)) out[*type] = read_patterns(by_type, member.key, *type);
  }
  for (const std::string& name : type_names()) by_type.child(name);  // to be suggested instead of an unknown one
  by_type.finish();
  return out;
}

DecimalScale read_scale(config::Reader& in) {
  const auto scale = in.value_or("scale", "1");
  const auto offset = in.value_or("offset", "0");
  if (const auto exact = DecimalScale::parse(scale, offset)) return *exact;
  const bool scale_is_wrong = !DecimalScale::parse(scale, "0");
  in.error(scale_is_wrong ? "scale" : "offset",
           fmt::format("'{}' is no decimal number of at most 15 digits{}", printable(scale_is_wrong ? scale : offset),
                       scale_is_wrong ? " other than 0" : ""));
  return {};
}

Unit read_unit(config::Reader& in) {
  const std::string symbol = in.value_or("unit", "1");
  if (const auto unit = find_unit(symbol)) return *unit;
  std::vector<std::string> known;
  for (const Unit& unit : all_units()) known.emplace_back(unit.symbol);
  in.error("unit", "unknown unit '" + printable(symbol) + "'" + config::suggestion(symbol, known));
  return {};
}

// Energy, volume and mass are what meters count; what they show of the rest is a state.
Kind kind_by_unit(const Unit& unit) {
  switch (unit.dimension) {
    case Dimension::energy:
    case Dimension::reactive_energy:
    case Dimension::apparent_energy:
    case Dimension::volume:
    case Dimension::normal_volume:
    case Dimension::mass:
    case Dimension::pieces: return Kind::cumulative;
    default: return Kind::instantaneous;
  }
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// A counter that fills its register starts again at 0, or, if signed, at 0 or the lowest number. For 64 bits nobody
// lives to see it. Many meters start again earlier, at a power of ten (register_digits): that is not guessed, for near
// such a value a reset would be booked as a rollover, while an end that is too far away is merely never reached.
std::vector<double> natural_rollover(const RegisterField& field, Kind kind) {
  if (kind != Kind::cumulative || !is_integer(field.type) || words_of(field.type) > 2) return {};
  if (!(field.scale.apply(1.0) > 0) || field.scale.apply(0.0) != 0) return {};
  const int bits = static_cast<int>(words_of(field.type)) * 16;
  const double all = field.scale.apply(std::ldexp(1.0, bits));
  if (is_signed(field.type)) return {field.scale.apply(std::ldexp(1.0, bits - 1)), all};
  return {all};
}

bool read_field(config::Reader& in, const RegisterDefaults& defaults, RegisterField& field) {
  field.function = read_function(in, defaults.function);
  field.address = in.required<std::uint16_t>("address");
  const bool bits = modbus::reads_bits(field.function);
  std::optional<RegisterType> type = read_type(in);
  const bool type_is_wrong = in.has("type") && !type;
  if (!type) type = bits ? RegisterType::bit : defaults.type;
  if (type_is_wrong) return false;
  if (!type) {
    in.error("type", "missing: the type of the register, such as uint16 or float32");
    return false;
  }
  field.type = *type;
  if (bits != (field.type == RegisterType::bit)) {
    in.error("type", bits ? "coils and discrete inputs (functions 1 and 2) are of type bit"
                          : "a bit is read by function 1 or 2; registers have other types");
    return false;
  }
  field.order = read_order(in, defaults.order);
  field.scale = read_scale(in);
  if (in.child("not_available")) {
    field.not_available = read_patterns(in, "not_available", field.type);
  } else if (const auto patterns = defaults.not_available.find(field.type); patterns != defaults.not_available.end()) {
    field.not_available = patterns->second;
  }
  if (field.end() > kAddressEnd) {
    in.error("address", fmt::format("the value would end at {}, beyond the last address 65535", field.end() - 1));
    return false;
  }
  return true;
}

std::optional<ProfileRegister> read_register(config::Reader& in, const RegisterDefaults& defaults,
                                             const config::Node* root) {
  ProfileRegister out;
  const std::size_t errors_before = in.problems().times_reported();
  out.point.name = in.required<std::string>("name");
  if (!out.point.name.empty() && !is_name(out.point.name)) {
    in.error("name", "'" + printable(out.point.name) + "' is no point's name: write 1 to 64 of a-z, 0-9, '_' and '-'");
  }
  out.point.unit = read_unit(in);
  const bool field_is_good = read_field(in, defaults, out.field);
  const Kind by_unit = kind_by_unit(out.point.unit);
  const bool cumulative = in.one_of("kind", {"cumulative", "instantaneous"}, by_unit == Kind::cumulative ? 0 : 1) == 0;
  out.point.kind = cumulative ? Kind::cumulative : Kind::instantaneous;
  out.point.limits.rollover_at = natural_rollover(out.field, out.point.kind);
  read_point_limits(in, out.point, out.field.scale.of_one());
  if (root) read_meter_history(in, *root, out.point);
  in.finish();
  if (!field_is_good || in.problems().times_reported() != errors_before) return std::nullopt;
  return out;
}

}  // namespace

std::vector<ProfileRegister> read_registers(config::Reader& in, const RegisterDefaults& defaults,
                                            const config::Node* root) {
  std::vector<ProfileRegister> out;
  std::set<std::string> names;
  const auto& items = in.required_items("registers");
  if (items.size() > kRegistersMax) {
    in.error("registers", fmt::format("{} registers are more than {}", items.size(), kRegistersMax));
    return out;
  }
  for (const config::Node& item : items) {
    config::Reader element(item, in.problems());
    auto read = read_register(element, defaults, root);
    if (!read) continue;
    if (names.insert(read->point.name).second) {
      out.push_back(std::move(*read));
    } else {
      element.error("name", "'" + printable(read->point.name) + "' is there twice");
    }
  }
  return out;
}

ReadLimits read_limits(config::Reader& in, ReadLimits fallback) {
  constexpr std::uint16_t kWidestValue = 4;
  return {
      .max_block = in.in_range<std::uint16_t>("max_block", fallback.max_block, kWidestValue, modbus::kReadRegistersMax),
      .max_gap = in.in_range<std::uint16_t>("max_gap", fallback.max_gap, 0, modbus::kReadRegistersMax)};
}

Profile read_profile(config::Reader& in) {
  Profile profile{.name = in.required<std::string>("name"),
                  .vendor = in.value_or("vendor", ""),
                  .models = in.value_or("models", std::vector<std::string>{}),
                  .source = in.value_or("source", ""),
                  .licence = in.value_or("licence", ""),
                  .note = in.value_or("note", ""),
                  .limits = read_limits(in, {}),
                  .pause = in.in_range<std::chrono::milliseconds>("pause", 0ms, 0ms, 10s),
                  .registers = {}};
  RegisterDefaults defaults;
  defaults.function = read_function(in, defaults.function);
  defaults.type = read_type(in);
  defaults.order = read_order(in, defaults.order);
  defaults.not_available = read_patterns_by_type(in);
  profile.registers = read_registers(in, defaults);
  if (profile.registers.empty() && in.has("registers") && !in.problems().has_errors()) {
    in.error("registers", "an empty list");
  }
  in.finish();
  return profile;
}

}  // namespace carbongate::modbus_driver

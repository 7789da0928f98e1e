#include "drivers/modbus/register_field.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>

#include "drivers/api/kept_bits.h"

namespace carbongate::modbus_driver {
namespace {

// The bytes of the value, highest first, as one number.
std::uint64_t assemble(std::span<const std::byte> wire, ByteOrder order) {
  const bool low_word_first = order == ByteOrder::cdab || order == ByteOrder::dcba;
  const bool low_byte_first = order == ByteOrder::badc || order == ByteOrder::dcba;
  const std::size_t words = wire.size() / 2;
  std::uint64_t raw = 0;
  for (std::size_t i = 0; i < words; ++i) {
    const std::size_t word = low_word_first ? words - 1 - i : i;
    const auto first = std::to_integer<std::uint64_t>(wire[2 * word]);
    const auto second = std::to_integer<std::uint64_t>(wire[2 * word + 1]);
    raw = raw << 16 | (low_byte_first ? second << 8 | first : first << 8 | second);
  }
  return raw;
}

std::vector<std::byte> arrange(std::uint64_t raw, std::size_t words, ByteOrder order) {
  const bool low_word_first = order == ByteOrder::cdab || order == ByteOrder::dcba;
  const bool low_byte_first = order == ByteOrder::badc || order == ByteOrder::dcba;
  std::vector<std::byte> wire(words * 2);
  for (std::size_t i = 0; i < words; ++i) {
    const std::size_t word = low_word_first ? i : words - 1 - i;  // the lowest word is taken first
    const auto high = static_cast<std::byte>(raw >> 8 & 0xff);
    const auto low = static_cast<std::byte>(raw & 0xff);
    wire[2 * word] = low_byte_first ? low : high;
    wire[2 * word + 1] = low_byte_first ? high : low;
    raw >>= 16;
  }
  return wire;
}

// Raw values near the one that the scale leads back to: rounding moves it by less than two.
std::vector<std::uint64_t> candidates(RegisterType type, long double raw) {
  std::vector<std::uint64_t> list;
  if (type == RegisterType::float32) {
    const auto near = static_cast<float>(raw);
    for (const float f : {std::nextafter(near, -INFINITY), near, std::nextafter(near, INFINITY)}) {
      list.push_back(std::bit_cast<std::uint32_t>(f));
    }
  } else if (type == RegisterType::float64) {
    const auto near = static_cast<double>(raw);
    for (const double d : {std::nextafter(near, -INFINITY), near, std::nextafter(near, INFINITY)}) {
      list.push_back(std::bit_cast<std::uint64_t>(d));
    }
  } else {
    const unsigned bits = words_of(type) * 16;
    const long double least = is_signed(type) ? -std::ldexp(1.0L, static_cast<int>(bits) - 1) : 0.0L;
    const long double most = std::ldexp(1.0L, static_cast<int>(is_signed(type) ? bits - 1 : bits)) - 1;
    for (int step = -1; step <= 1; ++step) {
      const long double near = std::nearbyint(raw) + step;
      if (near < least || near > most) continue;
      list.push_back(near < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(near))
                              : static_cast<std::uint64_t>(near));
    }
  }
  return list;
}

double to_number(std::uint64_t raw, RegisterType type, const DecimalScale& scale) {
  switch (type) {
    case RegisterType::bit:
    case RegisterType::uint16:
    case RegisterType::uint32:
    case RegisterType::uint64: return scale.apply(raw);
    case RegisterType::int16: return scale.apply(std::int64_t{static_cast<std::int16_t>(raw)});
    case RegisterType::int32: return scale.apply(std::int64_t{static_cast<std::int32_t>(raw)});
    case RegisterType::int64: return scale.apply(static_cast<std::int64_t>(raw));
    case RegisterType::float32: return scale.apply(double{std::bit_cast<float>(static_cast<std::uint32_t>(raw))});
    case RegisterType::float64: return scale.apply(std::bit_cast<double>(raw));
  }
  return std::numeric_limits<double>::quiet_NaN();
}

// That keeps the register, as far as it has room.
double nan_of(std::uint64_t raw, RegisterType type) {
  if (type != RegisterType::bit && words_of(type) <= 2) return nan_that_keeps(static_cast<std::uint32_t>(raw));
  const double itself = std::bit_cast<double>(raw);
  return type == RegisterType::float64 && std::isnan(itself) ? itself : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

unsigned words_of(RegisterType type) {
  switch (type) {
    case RegisterType::bit:
    case RegisterType::int16:
    case RegisterType::uint16: return 1;
    case RegisterType::int32:
    case RegisterType::uint32:
    case RegisterType::float32: return 2;
    case RegisterType::int64:
    case RegisterType::uint64:
    case RegisterType::float64: return 4;
  }
  return 1;
}

std::optional<BitPattern> BitPattern::parse(std::string_view text, RegisterType type) {
  if (type == RegisterType::bit || !(text.starts_with("0x") || text.starts_with("0X"))) return std::nullopt;
  text.remove_prefix(2);
  if (text.size() != words_of(type) * 4) return std::nullopt;
  BitPattern pattern;
  for (const char c : text) {
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<unsigned>(c - 'A') + 10;
    } else if (c != '?') {
      return std::nullopt;
    }
    pattern.mask = pattern.mask << 4 | (c == '?' ? 0u : 0xFu);
    pattern.bits = pattern.bits << 4 | digit;
  }
  return pattern;
}

Value decode_value(const RegisterField& field, std::uint16_t first_address, std::span<const std::byte> data) {
  assert(field.address >= first_address);
  const std::size_t offset = field.address - first_address;
  std::uint64_t raw = 0;
  if (field.type == RegisterType::bit) {
    assert(offset / 8 < data.size());
    raw = std::to_integer<std::uint64_t>(data[offset / 8]) >> (offset % 8) & 1u;
  } else {
    assert((offset + field.length()) * 2 <= data.size());
    raw = assemble(data.subspan(offset * 2, field.length() * 2), field.order);
  }
  const bool says_no_value = std::ranges::any_of(
      field.not_available, [&](const BitPattern& pattern) { return (raw & pattern.mask) == pattern.bits; });
  const double number =
      says_no_value ? std::numeric_limits<double>::quiet_NaN() : to_number(raw, field.type, field.scale);
  if (!std::isnan(number)) return {Availability::available, number};
  return {Availability::not_available, nan_of(raw, field.type)};
}

std::optional<std::vector<std::byte>> encode_value(const RegisterField& field, double value) {
  if (field.type == RegisterType::bit) return std::nullopt;
  if (std::isnan(value)) {
    const auto kept = bits_kept(value, field.length() * 16);
    return kept && (field.length() < 4 || field.type == RegisterType::float64)
               ? std::optional(arrange(*kept, field.length(), field.order))
               : std::nullopt;
  }
  if (std::isinf(value) && is_integer(field.type)) return std::nullopt;
  std::optional<std::uint64_t> found;
  for (const std::uint64_t raw : candidates(field.type, field.scale.invert(value))) {
    if (to_number(raw, field.type, field.scale) != value) continue;
    if (found && *found != raw) return std::nullopt;
    found = raw;
  }
  if (!found) return std::nullopt;
  return arrange(*found, field.length(), field.order);
}

std::string_view to_string(ByteOrder order) {
  constexpr std::string_view kNames[] = {"ABCD", "CDAB", "BADC", "DCBA"};
  return kNames[static_cast<std::size_t>(order)];
}

}  // namespace carbongate::modbus_driver

// Where a value lies among a device's registers, and how its bytes become a number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "drivers/api/reading.h"
#include "drivers/modbus/decimal_scale.h"
#include "protocols/modbus/pdu.h"

namespace carbongate::modbus_driver {

enum class RegisterType : std::uint8_t { bit, int16, uint16, int32, uint32, int64, uint64, float32, float64 };
inline constexpr std::string_view kRegisterTypeNames[] = {"bit",   "int16",  "uint16",  "int32",  "uint32",
                                                          "int64", "uint64", "float32", "float64"};

constexpr bool is_integer(RegisterType type) {
  return type >= RegisterType::int16 && type <= RegisterType::uint64;
}
constexpr bool is_signed(RegisterType type) {
  return type == RegisterType::int16 || type == RegisterType::int32 || type == RegisterType::int64;
}
unsigned words_of(RegisterType type);  // registers; 1 for a bit, which is one of its own kind

// How the bytes A (highest) to D (lowest) of a value follow each other on the wire. Of a 64-bit value the words, and
// the bytes within words, are arranged likewise: cdab sends the lowest word first.
enum class ByteOrder : std::uint8_t { abcd, cdab, badc, dcba };

// Raw bits that mean "no value". Bits outside of `mask` do not matter.
struct BitPattern {
  std::uint64_t mask = 0;
  std::uint64_t bits = 0;

  // "0xFFFF", "0x7FFF????": as many hexadecimal digits as the value has, '?' for any.
  static std::optional<BitPattern> parse(std::string_view text, RegisterType type);
};

struct RegisterField {
  modbus::Function function = modbus::Function::read_holding_registers;
  std::uint16_t address = 0;  // as on the wire, from 0
  RegisterType type = RegisterType::uint16;
  ByteOrder order = ByteOrder::abcd;
  DecimalScale scale;
  std::vector<BitPattern> not_available;

  unsigned length() const { return words_of(type); }             // registers or bits
  unsigned end() const { return unsigned{address} + length(); }  // at most 65536
};

struct Value {
  Availability availability = Availability::available;
  double number = 0;  // NaN if not available, as in kept_bits.h
};

// The value of `field` in the data of an answer that begins at `first_address`. Precondition: the data covers the
// field. A float that is NaN is not available: so devices say that a phase is not connected.
Value decode_value(const RegisterField& field, std::uint16_t first_address, std::span<const std::byte> data);

// The bytes on the wire that decode to exactly `value`: what the device must have sent. nullopt: none do, or several (a
// register of 64 bits has more digits than a double), or it is a bit, or a NaN that keeps no register.
std::optional<std::vector<std::byte>> encode_value(const RegisterField& field, double value);

std::string_view to_string(ByteOrder order);  // "ABCD"

}  // namespace carbongate::modbus_driver

#include "protocols/wire/crc16.h"

#include <array>

namespace carbongate::wire {
namespace {

constexpr std::array<std::uint16_t, 256> make_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    unsigned crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xA001u : crc >> 1;
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}

constexpr auto kTable = make_table();

}  // namespace

std::uint16_t crc16_modbus(std::span<const std::byte> bytes) {
  unsigned crc = 0xFFFF;
  for (const std::byte byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ std::to_integer<unsigned>(byte)) & 0xFF];
  return static_cast<std::uint16_t>(crc);
}

}  // namespace carbongate::wire

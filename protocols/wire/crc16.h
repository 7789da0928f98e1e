// CRC-16 as Modbus RTU uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace carbongate::wire {

// Polynomial 0x8005 reflected, start 0xFFFF (Modbus over Serial Line V1.02, 6.2.2). On the line its low byte goes
// first.
std::uint16_t crc16_modbus(std::span<const std::byte> bytes);

}  // namespace carbongate::wire

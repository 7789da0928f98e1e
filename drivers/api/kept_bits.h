// A register that is no number is a NaN, and a NaN has room for the register: whoever finds out later that its bytes
// were taken in the wrong order needs them.
//
// A register of 16 or 32 bits lies in the lower half of the NaN. One of 64 bits is the NaN itself if it is a float; of
// an integer of 64 bits that says "no value" nothing is kept. NaN is copied, never calculated with: that may change its
// bits.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

namespace carbongate {

inline constexpr std::uint64_t kKeptBitsMark = 0x7FFC'0000'0000'0000;

inline double nan_that_keeps(std::uint32_t bits) {
  return std::bit_cast<double>(kKeptBitsMark | bits);
}

// Of a register of `width` bits: 16, 32 or 64. nullopt: a number, or a NaN that keeps nothing.
inline std::optional<std::uint64_t> bits_kept(double value, unsigned width) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  if (!std::isnan(value) || bits == std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN())) {
    return std::nullopt;
  }
  if (width == 64) return bits;
  return bits >> 32 == kKeptBitsMark >> 32 ? std::optional(bits & 0xFFFF'FFFF) : std::nullopt;
}

}  // namespace carbongate

// A cursor over bytes that cannot run past their end. Multi-byte numbers are big-endian unless their name says
// otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "protocols/wire/errors.h"

namespace carbongate::wire {

// Does not own the bytes. A read that fails leaves the cursor where it was.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

  Result<std::uint8_t> u8() {
    if (remaining() < 1) return Error::truncated;
    return std::to_integer<std::uint8_t>(bytes_[position_++]);
  }

  Result<std::uint16_t> u16() {
    if (remaining() < 2) return Error::truncated;
    const auto high = std::to_integer<unsigned>(bytes_[position_]);
    const auto low = std::to_integer<unsigned>(bytes_[position_ + 1]);
    position_ += 2;
    return static_cast<std::uint16_t>(high << 8 | low);
  }

  Result<std::uint16_t> u16_little_endian() {
    const auto value = u16();
    if (!value) return value.error();
    return static_cast<std::uint16_t>(*value << 8 | *value >> 8);
  }

  Result<std::span<const std::byte>> bytes(std::size_t count) {
    if (remaining() < count) return Error::truncated;
    const auto out = bytes_.subspan(position_, count);
    position_ += count;
    return out;
  }

  std::span<const std::byte> rest() const { return bytes_.subspan(position_); }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
};

}  // namespace carbongate::wire

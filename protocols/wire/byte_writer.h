// Appends bytes up to a limit. Multi-byte numbers are big-endian unless their name says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "protocols/wire/errors.h"

namespace carbongate::wire {

using Bytes = std::vector<std::byte>;

// What does not fit is not written at all, and take() then gives the error instead of the bytes.
class ByteWriter {
 public:
  explicit ByteWriter(std::size_t size_max) : size_max_(size_max) {}

  ByteWriter& u8(std::uint8_t value) {
    if (has_room(1)) bytes_.push_back(std::byte{value});
    return *this;
  }

  ByteWriter& u16(std::uint16_t value) {
    if (!has_room(2)) return *this;
    bytes_.push_back(static_cast<std::byte>(value >> 8));
    bytes_.push_back(static_cast<std::byte>(value & 0xFF));
    return *this;
  }

  ByteWriter& u16_little_endian(std::uint16_t value) {
    return u16(static_cast<std::uint16_t>(value << 8 | value >> 8));
  }

  ByteWriter& bytes(std::span<const std::byte> bytes) {
    if (has_room(bytes.size())) bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }

  std::span<const std::byte> written() const { return bytes_; }

  Result<Bytes> take() {
    if (overflow_) return Error::overflow;
    return std::move(bytes_);
  }

 private:
  bool has_room(std::size_t count) {
    overflow_ = overflow_ || count > size_max_ - bytes_.size();
    return !overflow_;
  }

  std::size_t size_max_;
  bool overflow_ = false;
  Bytes bytes_;
};

}  // namespace carbongate::wire

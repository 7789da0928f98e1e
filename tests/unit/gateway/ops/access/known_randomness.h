// Random bytes that a test knows: 1, 2, 3, and so on, so that no two of the first secrets are the same.
#pragma once

#include <cstdint>
#include <span>

namespace carbongate::access {

class KnownRandomness {
 public:
  void operator()(std::span<std::uint8_t> bytes) {
    for (std::uint8_t& byte : bytes) byte = ++last_;
    last_ = static_cast<std::uint8_t>(last_ + 3);  // so that two spans of 256 bytes would differ, too
  }

 private:
  std::uint8_t last_ = 0;
};

}  // namespace carbongate::access

// Whole numbers as few bits, for the columns of a block of readings.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/store/database.h"

namespace carbongate::store {

// Small numbers of either sign as small numbers: 0, -1, 1, -2, ... become 0, 1, 2, 3, ...
constexpr std::uint64_t zigzag(std::uint64_t difference) {
  return difference << 1U ^ (difference >> 63U ? ~std::uint64_t{0} : 0);
}
constexpr std::uint64_t unzigzag(std::uint64_t code) {
  return code >> 1U ^ (code & 1U ? ~std::uint64_t{0} : 0);
}

// Bits, the lowest of a number first.
class BitWriter {
 public:
  void bits(std::uint64_t value, int count) {  // count: at most 64; no bits of `value` beyond it
    if (count > 32) {
      put(value & 0xffff'ffffU, 32);
      put(value >> 32U, count - 32);
    } else {
      put(value, count);
    }
  }
  // Any number: 6 bits for its length, then the number.
  void number(std::uint64_t value) {
    const int width = std::max(1, static_cast<int>(std::bit_width(value)));
    bits(static_cast<std::uint64_t>(width - 1), 6);
    bits(value, width);
  }
  std::string finish() {
    while (fill_ > 0) {
      bytes_ += static_cast<char>(waiting_);
      waiting_ >>= 8U;
      fill_ -= 8;
    }
    fill_ = 0;
    return std::move(bytes_);
  }

 private:
  void put(std::uint64_t value, int count) {
    waiting_ |= value << static_cast<unsigned>(fill_);
    fill_ += count;
    while (fill_ >= 8) {
      bytes_ += static_cast<char>(waiting_);
      waiting_ >>= 8U;
      fill_ -= 8;
    }
  }

  std::string bytes_;
  std::uint64_t waiting_ = 0;
  int fill_ = 0;  // below 8 between calls
};

// Throws DamagedRecord behind the end.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t bits(int count) {
    if (count > 32) {
      const std::uint64_t low = get(32);
      return low | get(count - 32) << 32U;
    }
    return get(count);
  }
  std::uint64_t number() { return bits(static_cast<int>(bits(6)) + 1); }

  // Ones before the next zero, which is taken too; at most `most`, then none is.
  int ones(int most) {  // at most 31
    refill(most + 1);
    const int count = std::min(most, std::countr_one(waiting_));
    take(count == most ? most : count + 1);
    return count;
  }

 private:
  // At least `count` bits, as far as there are bytes: behind the end lie zeros, which take() refuses.
  void refill(int count) {
    while (fill_ < count && next_ < bytes_.size()) {
      waiting_ |= std::uint64_t{static_cast<unsigned char>(bytes_[next_++])} << static_cast<unsigned>(fill_);
      fill_ += 8;
    }
  }
  void take(int count) {
    if (count > fill_) throw DamagedRecord("a block of readings ends too early");
    waiting_ >>= static_cast<unsigned>(count);
    fill_ -= count;
  }
  std::uint64_t get(int count) {
    refill(count);
    const std::uint64_t value = waiting_ & ((std::uint64_t{1} << static_cast<unsigned>(count)) - 1);
    take(count);
    return value;
  }

  std::string_view bytes_;
  std::size_t next_ = 0;
  std::uint64_t waiting_ = 0;
  int fill_ = 0;
};

// Golomb-Rice codes whose parameter follows the numbers, as in JPEG-LS (ITU-T T.87 section A.5): nothing is stored for
// it, so that also a series of few numbers is short. A run of zeros is a run of zero bits.
class RiceCode {
 public:
  void put(BitWriter& out, std::uint64_t value) {
    const int k = parameter();
    const std::uint64_t high = value >> static_cast<unsigned>(k);
    if (high < kOnesMax) {
      out.bits((std::uint64_t{1} << high) - 1, static_cast<int>(high) + 1);
      out.bits(value & ((std::uint64_t{1} << static_cast<unsigned>(k)) - 1), k);
    } else {
      out.bits((std::uint64_t{1} << kOnesMax) - 1, kOnesMax);
      out.number(value);
    }
    learn(value);
  }

  std::uint64_t get(BitReader& in) {
    const int k = parameter();
    const int high = in.ones(kOnesMax);
    const std::uint64_t value =
        high == kOnesMax ? in.number() : static_cast<std::uint64_t>(high) << static_cast<unsigned>(k) | in.bits(k);
    learn(value);
    return value;
  }

 private:
  static constexpr int kOnesMax = 20;
  static constexpr std::uint64_t kMemory = 32;  // numbers that count
  static constexpr std::uint64_t kLearnMax = 1ULL << 50U;

  int parameter() const {
    int k = 0;
    while (count_ << static_cast<unsigned>(k) < sum_) ++k;
    return k;
  }
  // One that is far out moves the mean, but not at once to where it lies.
  void learn(std::uint64_t value) {
    sum_ += std::min({value, sum_ / count_ * 16 + 64, kLearnMax});
    if (++count_ == kMemory) {
      sum_ /= 2;
      count_ /= 2;
    }
  }

  std::uint64_t sum_ = 4;
  std::uint64_t count_ = 1;
};

}  // namespace carbongate::store

// Scale and offset of a register, exact: 2331 with the scale 0.1 is 233.1, not 233.10000000000002.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carbongate::modbus_driver {

// Decimal fractions are kept as ratios of integers: value = (raw * numerator + offset) / denominator, rounded once.
class DecimalScale {
 public:
  DecimalScale() = default;  // value = raw

  // From decimal text: "0.1", "-1", "1e-3". nullopt: not a decimal number, a scale of 0, or with more digits than are
  // exact (15 together with the offset's).
  static std::optional<DecimalScale> parse(std::string_view scale, std::string_view offset);

  double apply(std::int64_t raw) const;
  double apply(std::uint64_t raw) const;
  double apply(double raw) const;
  double of_one() const { return static_cast<double>(numerator_) / static_cast<double>(denominator_); }  // the scale

  // About the raw value that gives `value`; which one it is, apply() tells.
  long double invert(double value) const;

  std::string to_string() const;  // "* 0.1 + 20"; "" for none

 private:
  std::int64_t numerator_ = 1;
  std::int64_t offset_ = 0;
  std::int64_t denominator_ = 1;
};

}  // namespace carbongate::modbus_driver

// Greenhouse gases, kept apart as masses: their sum in CO2e depends on a named set of global warming potentials.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/model/quantity.h"

namespace carbongate::model {

// Stable numbers: they are stored.
enum class Gas : std::uint8_t {
  co2 = 0,           // fossil, and from carbonates
  co2_biogenic = 1,  // reported apart: no part of CO2e
  ch4_fossil = 2,    // fugitive and process
  ch4 = 3,           // from combustion, or of biological origin
  n2o = 4,
  sf6 = 5,
  nf3 = 6,
  cf4 = 7,
  c2f6 = 8,
  hfc23 = 9,
  hfc32 = 10,
  hfc125 = 11,
  hfc134a = 12,
  hfc143a = 13,
  hfc152a = 14,
  hfc227ea = 15,
  hcfc22 = 16,
  unsplit = 17,  // published as CO2e only: the mass is that of CO2e
};
inline constexpr std::size_t kGasCount = 18;

constexpr std::size_t index(Gas gas) {
  return static_cast<std::size_t>(gas);
}

std::string_view to_string(Gas gas);            // "CO2", "CO2-biogenic", "CH4-fossil", "HFC-134a", "CO2e"
std::optional<Gas> find_gas(std::string_view);  // by the same names
std::vector<std::string> gas_names();

// One number per gas.
template <class T>
class PerGas {
 public:
  constexpr T& operator[](Gas gas) { return values_[index(gas)]; }
  constexpr const T& operator[](Gas gas) const { return values_[index(gas)]; }

  constexpr PerGas& operator+=(const PerGas& other) {
    for (std::size_t i = 0; i < kGasCount; ++i) values_[i] += other.values_[i];
    return *this;
  }
  constexpr PerGas& operator-=(const PerGas& other) {
    for (std::size_t i = 0; i < kGasCount; ++i) values_[i] -= other.values_[i];
    return *this;
  }
  friend constexpr bool operator==(const PerGas&, const PerGas&) = default;

  // Calls f(gas, value) for each value that is not zero, in the order of the numbers.
  template <class F>
  constexpr void each(F&& f) const {
    for (std::size_t i = 0; i < kGasCount; ++i) {
      if (values_[i] != T{}) f(static_cast<Gas>(i), values_[i]);
    }
  }

 private:
  std::array<T, kGasCount> values_{};
};

using GasMass = Quantity<struct GasMassTag>;  // in milligrams: 2^63 mg is 9.2 Gt
using GasMasses = PerGas<GasMass>;

}  // namespace carbongate::model

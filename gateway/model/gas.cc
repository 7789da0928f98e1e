#include "gateway/model/gas.h"

#include <algorithm>

namespace carbongate::model {
namespace {

constexpr std::array<std::string_view, kGasCount> kNames{
    "CO2",    "CO2-biogenic", "CH4-fossil", "CH4",      "N2O",      "SF6",      "NF3",       "CF4",     "C2F6",
    "HFC-23", "HFC-32",       "HFC-125",    "HFC-134a", "HFC-143a", "HFC-152a", "HFC-227ea", "HCFC-22", "CO2e"};

}  // namespace

std::string_view to_string(Gas gas) {
  return kNames[index(gas)];
}

std::optional<Gas> find_gas(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Gas>(found - kNames.begin());
}

std::vector<std::string> gas_names() {
  return {kNames.begin(), kNames.end()};
}

}  // namespace carbongate::model

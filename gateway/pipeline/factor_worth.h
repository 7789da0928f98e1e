// What one row of a factor set is worth: its value, gases, heating value or coefficient, as exact numbers per quantum.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader/reader.h"
#include "gateway/model/carrier.h"
#include "gateway/model/factor.h"
#include "gateway/pipeline/factor_document.h"
#include "gateway/pipeline/factor_value.h"
#include "gateway/pipeline/gwp.h"

namespace carbongate::pipeline {

// mg per quantum that no factor of the carrier is above: 5 kgCO2e/kWh of energy; of fuels, process inputs and working
// media 10 kgCO2e per kg or Nm3; of products and measured gases 100 000.
Fraction factor_max(const model::Carrier& carrier);

// The least that a fossil fuel emits where it is burnt is far above this: 0.05 kgCO2e per kg or Nm3, 5 kgCO2e/GJ.
// nullopt: the carrier is none; others may well have a factor of 0.
std::optional<Fraction> factor_min(const model::Carrier& carrier);

// Reads the part of a row that factor_set.h calls "what it is worth", and its uncertainty. What is wrong is reported
// with its place, and leaves the factor incomplete. One thread; the documents and the GWP set outlive it.
class WorthReader {
 public:
  static constexpr std::string_view kCoalPerKilowattHour = "kgce/kWh";

  // `gwp`: nullptr: could not be read; then nothing has a CO2e.
  WorthReader(model::FactorKind kind, const GwpSet* gwp, const Documents& documents)
      : kind_(kind), gwp_(gwp), documents_(documents) {}

  void read(config::Reader& in, const model::Carrier& carrier, model::Factor& factor) const;

  // Of emissions that were read without a problem: the standard coal of a fuel by its measured heating value. nullopt:
  // none was measured, or, with a warning, it does not lead to the amount that the carrier is accounted in.
  std::optional<model::Factor> measured_coal(config::Reader& in, const model::Carrier& carrier,
                                             const model::Factor& emission) const;

  // Of electricity: mg of coal equivalent per quantum, scaled like those of a factor.
  std::int64_t read_coal_per_kwh(config::Reader& in, std::string_view key, const Fraction& value) const;

 private:
  std::vector<Bridge> read_bridges(config::Reader& in, std::string& formula) const;
  void read_combustion(config::Reader& in, const model::Carrier& carrier, model::Factor& factor) const;
  void read_value(config::Reader& in, const model::Carrier& carrier, model::Factor& factor) const;
  void read_gases(config::Reader& in, const model::Carrier& carrier, model::Factor& factor) const;
  void read_coal(config::Reader& in, const model::Carrier& carrier, model::Factor& factor) const;
  void read_coal_by_ncv(config::Reader& in, const model::Carrier& carrier, std::span<const Bridge> bridges,
                        const std::string& by, model::Factor& factor) const;
  void check_size(config::Reader& in, const model::Carrier& carrier, const model::Factor& factor) const;
  void read_uncertainty(config::Reader& in, model::Factor& factor) const;
  std::optional<FactorUnit> unit_of(config::Reader& in, std::string_view key, const std::string& text,
                                    const model::Carrier& carrier, std::span<const Bridge> bridges) const;
  std::optional<std::int64_t> scale(config::Reader& in, std::string_view key, const Fraction& value,
                                    const FactorUnit& unit) const;
  void add_gas(config::Reader& in, std::string_view key, model::Gas gas, const Fraction& value, const FactorUnit& unit,
               model::Factor& factor) const;

  model::FactorKind kind_;
  const GwpSet* gwp_;
  const Documents& documents_;
};

}  // namespace carbongate::pipeline

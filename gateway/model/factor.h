// A factor: what one amount of a carrier emits, or how much standard coal it stands for. Dated, sourced, versioned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "drivers/api/reading.h"
#include "gateway/model/gas.h"

namespace carbongate::model {

// What a factor gives for an amount: mg per quantum of the carrier, times kFactorScale.
struct FactorRate {
  PerGas<std::int64_t> scaled_gas;
  std::int64_t scaled_co2e = 0;
};

// Stable words: they stand in factor files and exports.
enum class FactorKind : std::uint8_t {
  emission,       // gases per amount
  standard_coal,  // coal equivalent per amount
};

struct Factor {
  std::string id;   // "cn-grid/CN-SC/average/2023": set, region or fuel, method, year of data; unique in the registry
  std::string set;  // "cn-grid"
  std::string version;  // of the set: "2025-12-31"
  std::string carrier;  // "electricity"
  std::string region;   // "CN-SC"; "" where the factor knows no place
  std::string method;   // "average", "residual", "default"
  Instant valid_from{};
  std::optional<Instant> valid_until;  // exclusive; nullopt: until a newer one of the same series begins

  // mg per quantum of the carrier, times 10^12: 0.5306 kgCO2/kWh is 530'600'000'000. At most 9.2e6 mg per quantum.
  FactorKind kind = FactorKind::emission;
  PerGas<std::int64_t> scaled_gas;  // each gas by its mass
  std::int64_t scaled_co2e = 0;     // by `gwp_set`; without biogenic CO2
  std::int64_t scaled_coal = 0;     // mg of coal equivalent: of a factor of standard coal; such a one has no gases
  std::string gwp_set;              // "AR5"; "" where no gas but CO2, or none, is in it
  std::int32_t u95_ppm = 0;         // half-width of the 95 % interval, in millionths of the value; 0: not stated

  std::string value_text;   // as published: "0.5306"
  std::string unit_text;    // "kgCO2/kWh"
  std::string publication;  // "2025-12-31"
  std::string source;       // document
  std::string formula;  // how the value came about, if not as published: "22.867 GJ/t x 0.02749 tC/GJ x 95 % x 44/12"
  // Of combustion, as published, for statements; else "". Carbon and oxidation where the value came about by them.
  std::string ncv_text = {};        // "389.31"
  std::string ncv_unit_text = {};   // "GJ/10^4Nm3"
  std::string carbon_text = {};     // tC/GJ: "0.01532"
  std::string oxidation_text = {};  // percent: "99"

  std::string note{};            // what whoever uses the value should know
  std::string inherited_from{};  // "cn-grid": the row of that set, where `set` extends it; its version is that set's
  std::string confidence;        // confirmed_2plus, one_source_plus_memory, one_source, memory
};

inline constexpr std::int64_t kFactorScale = 1'000'000'000'000;  // of the scaled values: 1 mg = 10^12 parts

}  // namespace carbongate::model

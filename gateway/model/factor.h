// An emission factor: dated, sourced, versioned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "drivers/api/reading.h"

namespace carbongate::model {

struct Factor {
  std::string id;   // "cn-grid/CN-SC/average/2023": set, region or fuel, method, year of data; unique in the registry
  std::string set;  // "cn-grid"
  std::string version;  // of the set: "2025-12-31"
  std::string carrier;  // "electricity"
  std::string region;   // "CN-SC"; "" where the factor knows no place
  std::string method;   // "average", "residual", "default"
  Instant valid_from{};
  std::optional<Instant> valid_until;  // exclusive; nullopt: until a newer one of the same series begins

  // mg CO2e per quantum of the carrier, times 10^12: 0.5306 kgCO2/kWh is 530'600'000'000. At most 9.2e6 mg per quantum.
  std::int64_t scaled_mg_per_quantum = 0;

  std::string value_text;   // as published: "0.5306"
  std::string unit_text;    // "kgCO2/kWh"
  std::string publication;  // "2025-12-31"
  std::string source;       // document
  std::string confidence;   // confirmed_2plus, one_source_plus_memory, one_source, memory
};

inline constexpr std::int64_t kFactorScale = 1'000'000'000'000;  // of scaled_mg_per_quantum: 1 mg = 10^12 parts

}  // namespace carbongate::model

// Energy carriers: what is consumed, in which dimension it is metered, and the quantum in which it is accounted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "drivers/api/unit.h"
#include "gateway/model/quantity.h"

namespace carbongate::model {

struct Carrier {
  std::string_view id;       // "electricity", "natural-gas", as in configuration and exports
  std::string_view name_zh;  // 电力
  Dimension dimension;       // what a meter of it must measure: energy, normal_volume, volume or mass
  Unit quantum;              // Activity::of(1), e.g. mWh
  Unit display;              // the unit of exports: kWh, GJ, Nm3, L, kg
  std::int64_t quanta_per_display;  // 10^6 or 10^9: exports are exact decimals
};

std::span<const Carrier> all_carriers();  // static storage
const Carrier* find_carrier(std::string_view id);

// `value` in `unit` as whole quanta, rounded to nearest, ties away from zero. nullopt: another dimension, not finite, or
// beyond 64 bits. A power unit is taken as that power during one hour, as integration needs it.
std::optional<Activity> to_activity(double value, const Unit& unit, const Carrier& carrier);

// Exact decimal text of a fixed-point number: format_fixed(1250000, 1000000) is "1.25"; no exponent, no trailing zeros.
// `quanta_per_unit` is a power of ten.
std::string format_fixed(std::int64_t quanta, std::int64_t quanta_per_unit);

inline constexpr std::int64_t kMilligramsPerKilogram = 1'000'000;

}  // namespace carbongate::model

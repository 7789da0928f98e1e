// Carriers: what is consumed, made or released, in which dimension it is metered, and the quantum in which it is
// accounted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "drivers/api/unit.h"
#include "gateway/model/quantity.h"

namespace carbongate::model {

// What a carrier is to an account: it decides the scope of what is emitted.
enum class Category : std::uint8_t {
  electricity,
  heat,            // heat, steam, cooling
  fuel,            // burnt
  gas,             // a greenhouse gas, measured as such: in a stack, at a leak, refilled
  working_medium,  // 耗能工质: made with energy somewhere, emits nothing where it is used
  product,         // what the site makes
  process_input,   // set free by a process: carbonates, electrodes, pig iron
};

struct Carrier {
  std::string_view id;       // "electricity", "natural-gas", as in configuration and exports
  std::string_view name_zh;  // 电力
  Category category;
  Dimension dimension;              // what a meter of it must measure: energy, normal_volume, mass or pieces
  Unit quantum;                     // Activity::of(1), e.g. mWh
  Unit display;                     // the unit of exports: kWh, GJ, Nm3, L, kg
  std::int64_t quanta_per_display;  // 10^6 or 10^9: exports are exact decimals
};

std::span<const Carrier> all_carriers();  // static storage
const Carrier* find_carrier(std::string_view id);

// The exact ratio between a unit and a carrier's quantum, worked out once per point.
class ActivityScale {
 public:
  // nullopt: the unit measures something else; explain_mismatch() says what. A rate (kW, m3/h, kg/h) is taken as that
  // rate during one hour, as integration needs it.
  static std::optional<ActivityScale> between(const Unit& unit, const Carrier& carrier);

  // `value` as whole quanta: the double's exact binary value times the ratio, rounded to nearest, ties away from zero.
  // nullopt: not finite, or beyond 64 bits.
  std::optional<Activity> operator()(double value) const;

  // The same of a register whose value is a whole number of such counts, up to 2^51: what it shows is that number, and
  // exact, though a double of many counts is not. A value between two counts is taken as it is; so is every one if a
  // count is no whole number of quanta, or not known (0).
  ActivityScale counted_in(double count) const;

 private:
  std::optional<Activity> exact(double value) const;
  std::optional<Activity> by_counts(double value) const;

  ActivityScale(std::int64_t numerator, std::int64_t denominator) : numerator_(numerator), denominator_(denominator) {}
  std::int64_t numerator_;  // quanta = value * numerator_ / denominator_, in lowest terms, both positive
  std::int64_t denominator_;
  double count_ = 0;
  std::int64_t quanta_of_count_ = 0;  // 0: not counted
};

// The same for a single value; nullopt also for a unit that does not fit.
std::optional<Activity> to_activity(double value, const Unit& unit, const Carrier& carrier);

// Why a point of this unit cannot feed an account of this carrier, and what would do; "" if it can.
std::string explain_mismatch(const Unit& unit, const Carrier& carrier);

// Exact decimal text of a fixed-point number: format_fixed(1250000, 1000000) is "1.25"; no exponent, no trailing zeros.
// `quanta_per_unit` is a power of ten.
std::string format_fixed(std::int64_t quanta, std::int64_t quanta_per_unit);

inline constexpr std::int64_t kMilligramsPerKilogram = 1'000'000;

}  // namespace carbongate::model

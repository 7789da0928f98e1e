// Why a figure was changed after it had been published.
#pragma once

#include <cstdint>
#include <string_view>

namespace carbongate::model {

// Stable numbers: they are stored.
enum class Cause : std::uint8_t {
  late_data = 1,      // readings that arrived after the interval was closed
  configuration = 2,  // a repaired scale, byte order, ratio, point
  factor = 3,         // another factor, or a new version of it
  substitution = 4,   // missing data, filled by a rule
  certificate = 5,    // green certificates or contracts allocated to the period
  manual = 6,         // entered by a person
};
std::string_view to_string(Cause cause);  // "late-data"

// Whether a correction with this cause made the entry anew of its readings. The others stand beside what was counted.
constexpr bool is_restated(Cause cause) {
  return cause == Cause::late_data || cause == Cause::configuration || cause == Cause::factor;
}

}  // namespace carbongate::model

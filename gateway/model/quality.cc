#include "gateway/model/quality.h"

namespace carbongate::model {

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::measured: return "measured";
    case Origin::late: return "late";
    case Origin::estimated: return "estimated";
    case Origin::substituted: return "substituted";
    case Origin::manual: return "manual";
    case Origin::missing: return "missing";
  }
  return "unknown";
}

namespace {
constexpr std::string_view kUnknown = "unknown";
}  // namespace

std::string_view to_string(Rule rule) {
  switch (rule) {
    case Rule::none: return "";
    case Rule::not_a_number: return "not-a-number";
    case Rule::not_available: return "not-available";
    case Rule::range: return "range";
    case Rule::future: return "future";
    case Rule::stale: return "stale";
    case Rule::out_of_order: return "out-of-order";
    case Rule::duplicate: return "duplicate";
    case Rule::pending: return "pending";
    case Rule::glitch: return "glitch";
    case Rule::reset: return "reset";
    case Rule::rollover: return "rollover";
    case Rule::gap: return "gap";
    case Rule::no_factor: return "no-factor";
    case Rule::replaced: return "replaced";
    case Rule::ratio_change: return "ratio-change";
    case Rule::backwards: return "backwards";
    case Rule::stalled: return "stalled";
    case Rule::stopped: return "stopped";
    case Rule::maintenance: return "maintenance";
    case Rule::calibration: return "calibration";
    case Rule::fault: return "fault";
    case Rule::input_missing: return "input-missing";
    case Rule::input_stale: return "input-stale";
    case Rule::out_of_validity: return "out-of-validity";
    case Rule::max_180h: return "max-180h";
    case Rule::max_720h: return "max-720h";
    case Rule::max_2160h: return "max-2160h";
    case Rule::same_weekday: return "same-weekday";
    case Rule::clock: return "clock";
    case Rule::device_clock: return "device-clock";
    case Rule::clock_stopped: return "clock-stopped";
    case Rule::device_clock_stopped: return "device-clock-stopped";
    case Rule::clock_manual: return "clock-manual";
    case Rule::device_clock_manual: return "device-clock-manual";
    case Rule::hour_mean: return "hour-mean";
    case Rule::over_range: return "over-range";
    case Rule::unknown_flag: return "unknown-flag";
    case Rule::no_coal_factor: return "no-coal-factor";
    case Rule::no_market_factor: return "no-market-factor";
  }
  return kUnknown;
}

bool is_known(Rule rule) {
  return to_string(rule) != kUnknown;
}

}  // namespace carbongate::model

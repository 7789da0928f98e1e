#include "gateway/model/hj212_flag.h"

namespace carbongate::model {

namespace {

// Out of order, an unmarked value is late.
constexpr bool stopped(Quality quality) {
  if (quality.origin == Origin::late) return quality.rule == Rule::stopped;
  return quality.origin == Origin::measured && (quality.rule == Rule::stopped || quality.rule == Rule::out_of_order);
}

}  // namespace

char to_hj212_flag(Quality quality) {
  switch (quality.origin) {
    case Origin::measured:
    case Origin::late: return stopped(quality) ? 'F' : 'N';
    case Origin::estimated:
    case Origin::substituted:
    case Origin::manual: return 'S';
    case Origin::missing: break;
  }
  switch (quality.rule) {
    case Rule::maintenance: return 'M';
    case Rule::calibration: return 'C';
    case Rule::over_range:
    case Rule::range: return 'T';
    case Rule::gap: return 'B';
    default: return 'D';
  }
}

std::optional<Quality> from_hj212_flag(char flag) {
  switch (flag) {
    case 'N': return Quality{};
    case 'F': return Quality{Origin::measured, Rule::stopped};
    case 'M': return Quality{Origin::missing, Rule::maintenance};
    case 'S': return Quality{Origin::manual, Rule::none};
    case 'D': return Quality{Origin::missing, Rule::fault};
    case 'C': return Quality{Origin::missing, Rule::calibration};
    case 'T': return Quality{Origin::missing, Rule::over_range};
    case 'B': return Quality{Origin::missing, Rule::gap};
    default: return std::nullopt;
  }
}

Rule unknown_time_rule(bool stamped_by_device, char flag) {
  switch (flag) {
    case 'F': return stamped_by_device ? Rule::device_clock_stopped : Rule::clock_stopped;
    case 'S': return stamped_by_device ? Rule::device_clock_manual : Rule::clock_manual;
    default: return stamped_by_device ? Rule::device_clock : Rule::clock;
  }
}

char flag_said(Quality stored) {
  if (stored.origin == Origin::manual) return 'S';
  if (stopped(stored)) return 'F';
  if (stored.origin != Origin::missing) return kNoFlag;
  switch (stored.rule) {
    case Rule::maintenance:
    case Rule::calibration:
    case Rule::fault:
    case Rule::over_range:
    case Rule::gap: return to_hj212_flag(stored);
    case Rule::clock_stopped:
    case Rule::device_clock_stopped: return 'F';
    case Rule::clock_manual:
    case Rule::device_clock_manual: return 'S';
    case Rule::unknown_flag: return kUnknownFlag;
    default: return kNoFlag;
  }
}

}  // namespace carbongate::model

#include "gateway/pipeline/rollup.h"

namespace carbongate::pipeline {

model::Validity judge(model::Period kind, const model::OpenPeriod& period, const model::ValidityRules& rules) {
  const auto verdict = [](bool valid) { return valid ? model::Validity::valid : model::Validity::invalid; };
  if (kind == model::Period::hour) return verdict(period.covered >= rules.hour_covered);
  if (kind == model::Period::day) return verdict(period.valid_hours >= rules.day_hours);
  return model::Validity::not_judged;
}

model::RollupRow make_rollup(model::Period kind, const model::OpenPeriod& period, const model::ValidityRules& rules) {
  return {.period = kind,
          .begin = period.begin,
          .end = period.end,
          .amount = period.amount,
          .coal = period.coal,
          .emitted = period.emitted,
          .covered = period.covered,
          .valid_hours = period.valid_hours,
          .validity = judge(kind, period, rules),
          .quality = period.quality};
}

model::EnergyInterval make_interval(const model::OpenInterval& quarter) {
  return {.begin = quarter.begin,
          .end = quarter.end,
          .amount = quarter.amount,
          .covered = quarter.covered,
          .quality = quarter.quality};
}

}  // namespace carbongate::pipeline

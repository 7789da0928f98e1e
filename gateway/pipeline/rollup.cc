#include "gateway/pipeline/rollup.h"

namespace carbongate::pipeline {

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

// Corrections -> an account's totals, its open periods and the revisions of its closed ones.
#pragma once

#include <map>
#include <span>
#include <tuple>
#include <vector>

#include "gateway/model/amendment.h"
#include "gateway/model/checkpoint.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/emission.h"

namespace carbongate::pipeline {

// The corrections of one transaction. Calendar and rollups outlive it.
class Corrections {
 public:
  Corrections(Calendar& calendar, std::span<const model::AccountRollup> rollups);

  // Adds the correction to the account and gives the entry to publish. Where only the amount changed, what it emits
  // goes through the account's remainders like any booking: so the sum over all entries is the factor times the sum of
  // the amounts, to the milligram, in whatever order amounts came to light.
  model::EmissionEntry book(const model::Amendment& amendment, AccountFactors& factors, model::AccountState& account);

  // Of closed periods that contain a corrected quarter, with the next revision; in the order of account, begin, period.
  // Once, after the last book().
  std::vector<model::AccountRollup> revised();

 private:
  void judge_again(model::Period period, model::Period part);
  using Key = std::tuple<model::AccountId, Instant, model::Period>;

  Calendar& calendar_;
  std::map<Key, model::RollupRow> stored_;
  std::map<Key, model::RollupRow> revised_;
};

}  // namespace carbongate::pipeline

// Corrections -> an account's totals, its open periods and the revisions of its closed ones.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "gateway/model/amendment.h"
#include "gateway/model/checkpoint.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/emission.h"

namespace carbongate::pipeline {

// Up to when an account is counted: what is closed ends by then.
using CountedUntil = std::function<std::optional<Instant>(model::AccountId)>;

// The corrections of one transaction. Calendar, rules and rollups outlive it.
class Corrections {
 public:
  // `rollups`: the stored ones of the periods that contain a corrected quarter hour, and of their parts.
  Corrections(Calendar& calendar, const model::ValidityRules& validity, std::span<const model::AccountRollup> rollups);

  // Adds the correction to the account and gives the entry to publish. Where the figures follow from the amount by the
  // present factor, they go through the account's remainders like any booking: so the sum over all entries is the
  // factor times the sum of the amounts, to the milligram, in whatever order amounts came to light.
  //
  // `counted_until`: of this account; nullopt: nothing is measured, and no period of it closes. A period that goes on
  // there opens, if none of its kind is: what is corrected in it is in the row that closes it.
  model::EmissionEntry book(const model::Amendment& amendment, std::optional<Instant> counted_until,
                            AccountFactors& factors, model::AccountState& account);

  // Of closed periods that contain a corrected quarter, with the next revision; in the order of account, begin, period.
  // Quality and validity are judged again, of open periods too. Once, after the last book(). `accounts`: all of the
  // site.
  std::vector<model::AccountRollup> revised(std::span<model::AccountState> accounts, const CountedUntil& counted_until);

 private:
  using Key = std::tuple<model::AccountId, Instant, model::Period>;
  struct Judged {  // of the parts of a period that follow each other from its beginning
    model::Quality worst;
    Instant until{};
  };

  model::RollupRow& revised_row(const Key& key, const Span& span);
  Judged judge_parts(model::AccountId account, const Span& span, model::Period part) const;
  void judge_again(model::Period period, model::Period part, std::span<model::AccountState> accounts,
                   const CountedUntil& counted_until);

  Calendar& calendar_;
  const model::ValidityRules& validity_;
  std::map<Key, model::RollupRow> stored_;
  std::map<Key, model::RollupRow> revised_;
  std::set<std::pair<model::AccountId, model::Period>> open_;  // periods that contain a correction and are not closed
};

}  // namespace carbongate::pipeline

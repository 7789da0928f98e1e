#include "gateway/app/split_sums.h"

#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "gateway/model/account_of.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/rollup.h"

namespace carbongate::app {
namespace {

using model::Basis;
using model::Period;
using model::RollupRow;

struct Rows {
  std::optional<RollupRow> first;   // revision 0
  std::optional<RollupRow> newest;  // of the others
  bool is_split = false;            // there was another one before the first
};
using Key = std::tuple<model::AccountId, Instant, Period>;

struct Sum {
  model::Activity amount;
  model::Co2e co2e;
  friend bool operator==(const Sum&, const Sum&) = default;
};

Sum sum_of(const RollupRow& row) {
  return {row.amount, row.emitted[Basis::primary].co2e};
}

RollupRow join(const RollupRow& first, const RollupRow& newest, const model::ValidityRules& rules) {
  RollupRow row = newest;
  row.amount += first.amount;
  row.coal += first.coal;
  for (const Basis basis : model::kBases) row.emitted[basis] += first.emitted[basis];
  row.covered += first.covered;
  row.valid_hours += first.valid_hours;
  row.validity = pipeline::judge(row.period, row, rules);
  row.quality = worse(row.quality, first.quality);
  ++row.revision;
  return row;
}

std::vector<Instant> begins_of(const model::Site& site, Instant from, Instant to) {
  pipeline::Calendar calendar(site.time_zone);
  std::set<Instant> begins;
  for (const Period period : {Period::year, Period::month, Period::day}) {
    begins.insert(calendar.period(period, from).begin);
  }
  for (Instant at = from; at < to;) {
    const pipeline::Span hour = calendar.period(Period::hour, at);
    begins.insert(hour.begin);
    at = hour.end;
  }
  return {begins.begin(), begins.end()};
}

}  // namespace

model::Result<std::vector<model::AccountRollup>> join_split_sums(store::History& history, const model::Site& site,
                                                                 Instant from, Instant to) {
  model::AccountOf account_of(site);
  std::map<Key, Rows> split;
  std::map<Key, Rows> known;  // of one begin
  const auto keep_split = [&] {
    for (auto& [key, rows] : known) {
      if (rows.is_split) split.emplace(key, std::move(rows));
    }
    known.clear();
  };
  const auto wanted = [&](const model::Series& series) { return account_of(series).has_value(); };
  const auto read = history.rollups_at(begins_of(site, from, to), wanted, [&](const model::StoredRow& row) {
    const auto& rollup = row.body.get<RollupRow>();
    if (rollup.period == Period::quarter_hour) return true;
    if (!known.empty() && std::get<Instant>(known.begin()->first) != rollup.begin) keep_split();
    Rows& rows = known[{*account_of(*row.series), rollup.begin, rollup.period}];
    if (rollup.revision == 0) {
      rows.is_split = rows.newest.has_value();
      rows.first = rollup;
    } else {
      rows.newest = rollup;
    }
    return true;
  });
  if (!read) return std::move(read).error();
  keep_split();

  std::vector<model::AccountRollup> joined;
  for (const auto& [key, rows] : split) {
    const model::AccountId account = std::get<model::AccountId>(key);
    model::AccountOf account_of_entry(site);
    const auto is_its = [&](const model::Series& series) { return account_of_entry(series) == account; };
    Sum entries;
    const auto added =
        history.each_booked({rows.first->begin, rows.first->end}, is_its, [&](const store::History::Booked& entry) {
          entries.amount += entry.figures.amount;
          entries.co2e += entry.figures.co2e[Basis::primary];
          return true;
        });
    if (!added) return std::move(added).error();
    const RollupRow whole = join(*rows.first, *rows.newest, site.validity);
    if (sum_of(*rows.newest) != entries && sum_of(whole) == entries) joined.push_back({account, whole});
  }
  return joined;
}

}  // namespace carbongate::app

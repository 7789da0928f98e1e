// Which rows a sink is offered, as `select` in its element of `sinks` says; the same for every type of sink.
//
//   select:
//     rows: [readings, intervals, entries, rollups, totals, alerts, reports]   # kinds; all, if absent
//     points: ["press-*.energy"]   # device.point; '*': any characters, '?': one
//     users: [press-shop, "hall-?"]
//     rules: ["quota-*"]           # of alerts
//     severity: warning            # of alerts: and above
//     every: 1min                  # at most one reading of each point in each minute
//
// `rows` may also stand beside `type`. `points` is about every row: an account's rows are those of the point that it is
// counted from. `users` is about the rows of accounts: entries, rollups, totals. Of alerts, `points` is about those of
// a point, `users` about those of a user. Reports are those of a station. Intervals and entries are never thinned.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader/reader.h"
#include "gateway/model/rows.h"
#include "gateway/sinks/shared/row_kind.h"

namespace carbongate::sinks {

// What patterns may stand for: to tell a name that is misspelt from one that is meant.
struct SelectableNames {
  std::vector<std::string> points;  // "incomer.energy"
  std::vector<std::string> users;
  std::vector<std::string> rules = {};
  bool complete = true;  // false: some could not be read; what is not among them may yet be right

  // The alerts that there can be, by alert_name(), and how severe their rule is now. nullptr: they are not known.
  std::shared_ptr<const std::map<std::string, model::Severity>> alerts = nullptr;
};

// Site, rule and subject of an alert: what its rows have, whatever else of the series is changed.
std::string alert_name(const model::Series& of);

struct Selection {
  shared::RowKinds rows = shared::RowKinds().set();
  std::vector<std::string> points;                   // patterns; empty: all
  std::vector<std::string> users;                    // patterns; empty: all
  std::vector<std::string> rules;                    // patterns; empty: all
  model::Severity severity = model::Severity::info;  // the least
  Duration every{};                                  // zero: every reading

  bool is_everything() const {
    return rows.all() && points.empty() && users.empty() && rules.empty() && severity == model::Severity::info &&
           every == Duration::zero();
  }

  // Whether the row is selected, apart from `every`: that is Thinning's.
  bool takes(const model::StoredRow& row) const;
  bool takes_alert(const model::Series& of, model::Severity severity) const;

  // Reads `select` and `rows`. Problems go to the reader: a name without wildcards that is not known is an error, a
  // pattern that fits nothing a warning. `names` nullptr: nothing is known of what there is.
  static Selection from(config::Reader& in, const SelectableNames* names);
};

// Whether the whole text fits the pattern: '*' stands for any characters, also none, '?' for one of UTF-8.
bool fits(std::string_view pattern, std::string_view text);

}  // namespace carbongate::sinks

#include "gateway/store/standing_alerts.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "gateway/store/history.h"

namespace carbongate::store {
namespace {

std::string subject_of(const model::Watch& watch) {
  return model::subject_name(watch.device, watch.point, watch.user, watch.carrier ? watch.carrier->id : "");
}

void note_pending(const model::Site& site, const model::Watch& watch, const model::AlertState& state,
                  StandingAlerts& alerts) {
  if (state.since || (!state.holds_since && !state.held_back)) return;
  const model::AlertRule& rule = site.alert_rules.at(watch.rule_place);
  StandingAlert one;
  one.state = "pending";
  one.rule = watch.rule;
  one.subject = subject_of(watch);
  one.user_name = watch.user_name;
  one.is_pending = true;
  one.alert.name = rule.name;
  one.alert.name_zh = rule.name_zh;
  one.alert.severity = rule.severity;
  one.alert.unit = watch.unit;
  if (state.holds_since) {
    one.alert.since = *state.holds_since;
    one.alert.value = state.value;
    one.alert.limit = rule.above && state.value > *rule.above ? *rule.above : rule.below.value_or(std::nan(""));
  }
  one.alert.note = state.held_back ? "held back" : "";
  alerts.all["pending " + watch.rule + " " + one.subject] = std::move(one);
}

void note_change(const model::StoredRow& row, const std::set<std::string>& firing, StandingAlerts& alerts) {
  const auto& alert = row.body.get<model::Alert>();
  alerts.newest = std::max(alerts.newest.value_or(alert.at), alert.at);
  StandingAlert& one = alerts.all[alert.id];
  if (!one.alert.id.empty() && one.alert.revision > alert.revision) return;
  const std::string by = one.alert.by;
  const std::string note = one.alert.note;
  const double value = one.alert.value;
  one.alert = alert;
  if (one.alert.by.empty()) one.alert.by = by;
  if (one.alert.note.empty()) one.alert.note = note;
  if (std::isnan(alert.value)) one.alert.value = value;  // an acknowledgement, or the end of a period, has none
  one.state = to_string(alert.stage);
  one.rule = row.series->rule;
  one.subject = model::subject_name(row.series->device, row.series->point, row.series->user, row.series->carrier);
  one.user_name = row.series->user_name;
  one.fires = firing.contains(alert.id);
}

}  // namespace

model::Result<StandingAlerts> standing_alerts(const std::filesystem::path& directory, const model::Site& site) {
  auto history = History::open(directory);
  if (history.has_error()) return history.error();
  auto checkpoint = (*history)->checkpoint(site);
  if (checkpoint.has_error()) return checkpoint.error();
  StandingAlerts alerts;
  std::set<std::string> firing;
  for (const model::Watch& watch : site.watches) {
    const model::AlertState& state = checkpoint->alerts.at(model::index(watch.id));
    if (state.since) firing.insert(model::alert_id(site.id, watch.rule, subject_of(watch), *state.since));
    note_pending(site, watch, state, alerts);
  }
  const auto read = (*history)->each(History::What::alerts, {}, [&](const model::StoredRow& row) {
    note_change(row, firing, alerts);
    return true;
  });
  if (read.has_error()) return read.error();
  return alerts;
}

std::vector<const StandingAlert*> in_order(const StandingAlerts& alerts) {
  std::vector<const StandingAlert*> rows;
  for (const auto& [id, one] : alerts.all) rows.push_back(&one);
  std::ranges::sort(rows, {}, [](const StandingAlert* one) {
    const int rank = one->fires ? 0 : one->is_pending ? 1 : 2;
    return std::tuple(rank, -static_cast<int>(one->alert.severity), one->alert.since, one->rule, one->subject);
  });
  return rows;
}

}  // namespace carbongate::store

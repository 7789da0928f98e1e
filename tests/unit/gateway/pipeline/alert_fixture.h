// Rules over the small site, readings for them, and the alerts that follow, a line each.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/model/coverage.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {

class AlertsTest : public ::testing::Test {
 protected:
  AlertsTest() { site_.site.time_zone = "UTC"; }

  model::AlertRule& rule(std::string id, model::Measure measure) {
    site_.site.alert_rules.push_back({});
    model::AlertRule& rule = site_.site.alert_rules.back();
    rule.id = std::move(id);
    rule.measure = measure;
    return rule;
  }

  // Watches of the rule that was added last.
  model::Watch& watch_point(PointId point) {
    const Point& p = site_.site.points[index(point)];
    model::Watch& watch = add_watch();
    watch.device = p.device;
    watch.point = p.name;
    watch.unit = p.unit.symbol;
    watch.points = {point};
    return watch;
  }
  // Counts the alerts of all watches that there are.
  model::Watch& watch_group() {
    const auto count = static_cast<std::uint32_t>(site_.site.watches.size());
    model::Watch& watch = add_watch();
    watch.unit = "1";
    for (std::uint32_t i = 0; i < count; ++i) watch.members.push_back(model::WatchId{i});
    return watch;
  }
  model::Watch& watch_user(std::string user, std::vector<model::AccountId> accounts) {
    model::Watch& watch = add_watch();
    watch.user = std::move(user);
    watch.accounts = std::move(accounts);
    watch.carrier = site_.site.accounts[model::index(watch.accounts.front())].carrier;
    return watch;
  }

  void start() {
    kept_.clear();
    pipeline_.emplace(site_.pipeline());
  }
  // With what was committed of alerts.
  void restart() {
    model::Checkpoint state = pipeline_->state();
    if (!kept_.empty()) state.alerts = kept_;
    pipeline_.emplace(site_.pipeline(std::move(state)));
  }

  // One reading, heard when it was measured, or later.
  void read(PointId point, std::string_view at, double value, Duration later = {}) {
    const Reading one = reading(point, utc(day_ + std::string(at)), value);
    const Batch batch{.source = "test", .received = one.at + later, .readings = {one}, .settled = {}};
    note(pipeline_->ingest({&batch, 1}, batch.received));
  }
  void pass(std::string_view at) { note(pipeline_->pass(utc(day_ + std::string(at)))); }

  void note(const model::Effects& effects) {
    kept_.resize(site_.site.watches.size());
    for (const auto& [watch, state] : effects.alerts) kept_[model::index(watch)] = state;
    for (const model::JournalRow& row : effects.rows) {
      const auto* alert = row.body.get_if<model::Alert>();
      if (!alert) continue;
      told_ += line(std::get<model::WatchId>(row.subject), *alert) + "\n";
      times_ += time_of(*alert) + "\n";
    }
  }

  // What was told since it was asked for last.
  std::string told() { return std::exchange(told_, {}); }

  // Of what times the values were that were told since it was asked for last: "06-01 00:00:00 to 06-02 00:00:00, 87.5%"
  std::string times() { return std::exchange(times_, {}); }

  static std::string time_of(const model::Alert& alert) {
    if (!alert.of) return "none";
    const auto& coverage = alert.of->coverage;
    return clock(alert.of->begin) + " to " + clock(alert.of->end) + ", " +
           (coverage ? model::format_fixed(*coverage, model::kPerPercent) : "?") + "%";
  }

  // "06-01 12:00:05 overload device.power firing since 12:00:00 812 > 800, revision 1, late-data"
  std::string line(model::WatchId id, const model::Alert& alert) const {
    const model::Watch& watch = site_.site.watches[model::index(id)];
    std::string text = clock(alert.at) + " " + watch.rule + " " +
                       model::subject_name(watch.device, watch.point, watch.user, "") + " " +
                       std::string(to_string(alert.stage)) + " since " + clock(alert.since);
    if (alert.value == alert.value) text += " " + number(alert.value) + "/" + number(alert.limit);
    if (alert.revision != 0) text += " #" + std::to_string(alert.revision);
    if (alert.cause) text += " " + std::string(to_string(*alert.cause));
    if (alert.suppressed != 0) text += " suppressed " + std::to_string(alert.suppressed);
    if (!alert.by.empty() || !alert.note.empty()) text += " by " + alert.by + ": " + alert.note;
    return text;
  }

  TestSite site_;
  std::string day_ = "2023-06-01 ";
  std::optional<Pipeline> pipeline_;

 private:
  model::Watch& add_watch() {
    auto& watches = site_.site.watches;
    watches.push_back({});
    model::Watch& watch = watches.back();
    watch.id = static_cast<model::WatchId>(watches.size() - 1);
    watch.rule_place = site_.site.alert_rules.size() - 1;
    watch.rule = site_.site.alert_rules.back().id;
    return watch;
  }
  static std::string number(double value) {
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text;
  }
  static std::string clock(Instant at) {
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date{day};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at - day).count();
    const auto two = [](auto n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    return two(static_cast<unsigned>(date.month())) + "-" + two(static_cast<unsigned>(date.day())) + " " +
           two(seconds / 3600) + ":" + two(seconds / 60 % 60) + ":" + two(seconds % 60);
  }

  std::string told_;
  std::string times_;
  std::vector<model::AlertState> kept_;
};

// Two meters of a user, and corrections of what they counted.
class UserAlerts : public AlertsTest {
 protected:
  UserAlerts() {
    PointLimits limits;
    limits.gap_max = std::chrono::hours(2);
    meter_ = site_.add_point("energy", Kind::cumulative, "kWh", limits);
    second_ = site_.add_point("energy-2", Kind::cumulative, "kWh", limits);
    account_ = site_.add_account(meter_);
    other_ = site_.add_account(second_);
  }

  // Books a difference for the quarter hour that begins then, as late data do.
  void correct(std::string_view begin, std::int64_t kwh, std::int64_t co2e_kg = 0) {
    correct(account_, utc(day_ + std::string(begin)), kwh, co2e_kg);
  }
  void correct(model::AccountId account, Instant begin, std::int64_t quantity, std::int64_t co2e_kg = 0,
               Duration covered = {}) {
    model::Amendment amendment;
    amendment.account = account;
    model::EmissionEntry& entry = amendment.correction;
    const std::int64_t per_unit = site_.site.accounts[model::index(account)].carrier->quanta_per_display;
    entry.begin = begin;
    entry.end = entry.begin + std::chrono::minutes(15);
    entry.amount = model::Activity::of(quantity * per_unit);
    entry.primary.emitted.co2e = model::Co2e::of(co2e_kg * model::kMilligramsPerKilogram);
    entry.covered = covered;
    entry.revision = 1;
    entry.correction = model::Correction{model::Cause::late_data, "", entry.end};
    note(pipeline_->correct({&amendment, 1}, {}, {}));
  }

  PointId meter_;
  PointId second_;
  model::AccountId account_;
  model::AccountId other_;
};

}  // namespace carbongate::pipeline

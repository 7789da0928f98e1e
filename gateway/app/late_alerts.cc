#include "gateway/app/late_alerts.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/pipeline/late_groups.h"
#include "gateway/store/standing_alerts.h"

namespace carbongate::app {
namespace {

using store::History;

bool is_of(const model::Series& series, const model::Watch& watch) {
  return series.rule == watch.rule && series.device == watch.device && series.point == watch.point &&
         series.user == watch.user && series.carrier == (watch.carrier ? watch.carrier->id : "");
}

class Judging {
 public:
  Judging(History& history, const model::Site& site, const std::atomic<bool>& stop)
      : history_(history), site_(site), stop_(stop) {}

  model::Result<pipeline::LateJudgement> judge(const pipeline::LateWatch& late) {
    const model::Watch& watch = site_.watches.at(model::index(late.watch));
    if (!watch.members.empty()) return judge_group(late);
    std::vector<Reading> readings;
    if (auto read = read_point(watch, late, readings); read.has_error()) return read.error();
    const std::vector<model::WatchId> parents = pipeline::holds_back(site_, late.watch);
    Told told{{late.watch, {}}};
    for (const model::WatchId parent : parents) told.try_emplace(parent);
    if (auto read = read_alerts_from(pipeline::lead_of(site_, late), told); read.has_error()) return read.error();
    return pipeline::judge_late(site_, late, readings, told.at(late.watch), of_all(parents, told));
  }

 private:
  using Told = std::map<model::WatchId, std::vector<model::Alert>>;  // changes of their alerts

  // By all there ever were: how many fire at the begin follows from those before it.
  model::Result<pipeline::LateJudgement> judge_group(const pipeline::LateWatch& late) {
    const std::vector<model::WatchId> parents = pipeline::holds_back(site_, late.watch);
    const std::vector<model::WatchId>& members = site_.watches.at(model::index(late.watch)).members;
    Told told{{late.watch, {}}};
    for (const model::WatchId parent : parents) told.try_emplace(parent);
    for (const model::WatchId member : members) told.try_emplace(member);
    if (auto read = read_alerts({}, Instant::min(), told); read.has_error()) return read.error();
    std::vector<pipeline::LateMember> told_of_members;
    for (const model::WatchId member : members) told_of_members.push_back({.watch = member, .told = told.at(member)});
    return pipeline::judge_late_group(site_, late, told_of_members, told.at(late.watch), of_all(parents, told));
  }

  static std::vector<model::Alert> of_all(const std::vector<model::WatchId>& watches, const Told& told) {
    std::vector<model::Alert> alerts;
    for (const model::WatchId watch : watches) {
      const std::vector<model::Alert>& of_one = told.at(watch);
      alerts.insert(alerts.end(), of_one.begin(), of_one.end());
    }
    return alerts;
  }

  // Of several values of one instant the first counted.
  model::Result<void> read_point(const model::Watch& watch, const pipeline::LateWatch& late,
                                 std::vector<Reading>& readings) {
    const Point& point = site_.points.at(carbongate::index(watch.points.front()));
    const History::Range range{.from = pipeline::lead_of(site_, late), .to = late.until + Duration(1)};
    const auto is_wanted = [&](const model::Series& series) {
      return series.device == point.device && series.point == point.name && series.unit == point.unit.symbol;
    };
    return history_.each_reading(range, is_wanted, [&](const model::StoredRow& row) {
      const auto& reading = row.body.get<model::JudgedReading>();
      const bool is_usable = model::usable(reading.quality) && std::isfinite(reading.value);
      const bool is_of_change = site_.alert_rules.at(watch.rule_place).measure == model::Measure::change;
      if (is_of_change && pipeline::in_doubt(reading.quality)) return !stop_;
      if (is_of_change && pipeline::begins_anew(reading.quality)) readings.clear();
      if (!is_usable || (!readings.empty() && readings.back().at == reading.at)) return !stop_;
      if (readings.size() == kLateReadingsMax)
        readings.erase(readings.begin(), readings.begin() + kLateReadingsMax / 2);
      readings.push_back({.point = point.id, .hj212_flag = {}, .at = reading.at, .value = reading.value});
      return !stop_;
    });
  }

  // Those that fired then, or began later. Which began before is said by their later changes, or by the states.
  model::Result<void> read_alerts_from(Instant from, Told& told) {
    if (!checkpoint_) {
      auto checkpoint = history_.checkpoint(site_);
      if (checkpoint.has_error()) return checkpoint.error();
      checkpoint_ = std::move(*checkpoint);
    }
    const Instant begin = from - store::kAcknowledgedAhead;
    if (auto read = read_alerts({.from = begin, .to = {}}, Instant::min(), told); read.has_error()) return read.error();
    Instant oldest = from;
    for (const auto& [watch, alerts] : told) {
      oldest = std::min(oldest, checkpoint_->alerts.at(model::index(watch)).since.value_or(from));
      for (const model::Alert& alert : alerts) oldest = std::min(oldest, alert.since);
    }
    if (oldest == from) return {};
    return read_alerts({.from = oldest - store::kAcknowledgedAhead, .to = begin}, oldest, told);
  }

  // Adds those of the range that began at `since` or later to those of their watch.
  model::Result<void> read_alerts(const History::Range& range, Instant since, Told& told) {
    std::unordered_map<const model::Series*, std::vector<model::Alert>*> known;
    const auto place_of = [&](const model::Series& series) {
      const auto [found, is_new] = known.try_emplace(&series, nullptr);
      if (!is_new) return found->second;
      for (auto& [watch, alerts] : told) {
        if (is_of(series, site_.watches.at(model::index(watch)))) found->second = &alerts;
      }
      return found->second;
    };
    const auto choose = [&](const model::Series& series) {
      if (stop_) return History::Choice::enough;
      return place_of(series) ? History::Choice::take : History::Choice::skip;
    };
    const auto read = history_.each_of(History::What::alerts, range, choose, [&](const model::StoredRow& row) {
      const auto& alert = row.body.get<model::Alert>();
      if (alert.since >= since) place_of(*row.series)->push_back(alert);
      return true;
    });
    if (read.has_error()) return read.error();
    if (stop_) return model::Fault{make_error_code(boost::system::errc::operation_canceled), "stopped"};
    return {};
  }

  History& history_;
  const model::Site& site_;
  const std::atomic<bool>& stop_;
  std::optional<model::Checkpoint> checkpoint_;
};

}  // namespace

model::Result<std::vector<pipeline::LateJudgement>> judge_late_alerts(History& history, const model::Site& site,
                                                                      std::span<const pipeline::LateWatch> late,
                                                                      const std::atomic<bool>& stop) {
  std::vector<pipeline::LateJudgement> judgements;
  Judging judging(history, site, stop);
  for (const pipeline::LateWatch& one : late) {
    auto judgement = judging.judge(one);
    if (judgement.has_error()) return judgement.error();
    judgements.push_back(std::move(*judgement));
  }
  return judgements;
}

}  // namespace carbongate::app

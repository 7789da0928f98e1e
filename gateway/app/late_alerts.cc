#include "gateway/app/late_alerts.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/app/said_readings.h"
#include "gateway/pipeline/late_groups.h"
#include "gateway/pipeline/late_parents.h"
#include "gateway/pipeline/late_rates.h"
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
  Judging(History& history, const model::Site& site, const pipeline::FactorRegistry& factors,
          const std::atomic<bool>& stop)
      : history_(history),
        site_(site),
        factors_(factors),
        stop_(stop),
        parents_(site, [this](const pipeline::LateWatch& one, For whom) { return judge(one, whom); }) {}

  model::Result<pipeline::LateJudgement> judge(const pipeline::LateWatch& late) {
    auto judgement = judge(late, For::itself);
    if (judgement.has_error()) return judgement;
    std::vector<model::Alert>& changed = changed_[late.watch];
    changed.insert(changed.end(), judgement->changes.begin(), judgement->changes.end());
    return judgement;
  }

 private:
  using Told = std::map<model::WatchId, std::vector<model::Alert>>;  // changes of their alerts
  using For = pipeline::LateParents::For;

  model::Result<pipeline::LateJudgement> judge(const pipeline::LateWatch& late, For whom) {
    const model::Watch& watch = site_.watches.at(model::index(late.watch));
    return watch.members.empty() ? judge_one(late, whom) : judge_group(late, whom);
  }

  model::Result<pipeline::LateJudgement> judge_one(const pipeline::LateWatch& late, For whom) {
    const model::Watch& watch = site_.watches.at(model::index(late.watch));
    const std::vector<model::WatchId> ids = pipeline::holds_back(site_, late.watch);
    Told told{{late.watch, {}}};
    for (const model::WatchId parent : ids) told.try_emplace(parent);
    if (auto read = read_alerts_from(pipeline::lead_of(site_, late), told); read.has_error()) return read.error();
    auto parents = as_told(ids, told, late.until);
    if (auto put = parents_.put_right(parents, late, whom); put.has_error()) return put.error();
    if (site_.alert_rules.at(watch.rule_place).measure == model::Measure::rate) {
      return judge_rate(late, told.at(late.watch), parents);
    }
    std::vector<pipeline::PastReading> readings;
    if (auto read = read_points(watch, late, readings); read.has_error()) return read.error();
    pipeline::LateWatch of = late;  // of those that nobody asked for it is said here
    if (whom == For::its_children) of.expected = checkpoint_->alerts.at(model::index(late.watch)).begun;
    return pipeline::judge_late(site_, of, readings, told.at(late.watch), parents);
  }

  model::Result<pipeline::LateJudgement> judge_rate(const pipeline::LateWatch& late,
                                                    const std::vector<model::Alert>& told,
                                                    const std::vector<pipeline::AlertsOf>& parents) {
    pipeline::RatePlay play(site_, factors_, late, *checkpoint_, told, parents);
    const auto take = [&](const Reading& reading) { return play.take(reading); };
    const auto read = each_said(history_, site_, play.points(), play.wanted(), stop_, take);
    if (read.has_error()) return read.error();
    return play.finish();
  }

  // By all there ever were: how many fire at the begin follows from those before it.
  model::Result<pipeline::LateJudgement> judge_group(const pipeline::LateWatch& late, For whom) {
    const std::vector<model::WatchId> parents = pipeline::holds_back(site_, late.watch);
    const std::vector<model::WatchId>& members = site_.watches.at(model::index(late.watch)).members;
    Told told{{late.watch, {}}};
    for (const model::WatchId parent : parents) told.try_emplace(parent);
    for (const model::WatchId member : members) told.try_emplace(member);
    if (auto read = read_alerts({}, Instant::min(), told); read.has_error()) return read.error();
    auto alerts = as_told(members, told, late.until);
    if (auto put = parents_.put_right(alerts, late, For::itself); put.has_error()) return put.error();
    auto held = as_told(parents, told, late.until);
    if (auto put = parents_.put_right(held, late, whom); put.has_error()) return put.error();
    return pipeline::judge_late_group(site_, late, alerts, told.at(late.watch), held);
  }

  // With what was just found of them.
  std::vector<pipeline::AlertsOf> as_told(const std::vector<model::WatchId>& watches, const Told& told,
                                          Instant until) const {
    std::vector<pipeline::AlertsOf> all;
    for (const model::WatchId watch : watches) {
      std::vector<model::Alert> changes = told.at(watch);
      const auto changed = changed_.find(watch);
      if (changed != changed_.end()) changes.insert(changes.end(), changed->second.begin(), changed->second.end());
      all.push_back({.watch = watch, .alerts = pipeline::alerts_of(changes, until)});
    }
    return all;
  }

  // Of several values of one instant the first counted. Of a silence no more than those around each of its parts.
  model::Result<void> read_points(const model::Watch& watch, const pipeline::LateWatch& late,
                                  std::vector<pipeline::PastReading>& readings) {
    const model::AlertRule& rule = site_.alert_rules.at(watch.rule_place);
    const History::Range range{.from = pipeline::lead_of(site_, late), .to = late.until + Duration(1)};
    const auto is_wanted = [&](const model::Series& series) {
      return std::ranges::any_of(watch.points, [&](PointId id) {
        const Point& point = site_.points.at(carbongate::index(id));
        return series.device == point.device && series.point == point.name && series.unit == point.unit.symbol;
      });
    };
    return history_.each_reading(range, is_wanted, [&](const model::StoredRow& row) {
      const auto& reading = row.body.get<model::JudgedReading>();
      const bool is_usable = model::usable(reading.quality) && std::isfinite(reading.value);
      if (!is_usable || (!readings.empty() && readings.back().at == reading.at)) return !stop_;
      const bool is_silence = rule.measure == model::Measure::silence && readings.size() > 1;
      if (is_silence && pipeline::is_between(rule, readings[readings.size() - 2].at, reading.at)) readings.pop_back();
      if (readings.size() == kLateReadingsMax)
        readings.erase(readings.begin(), readings.begin() + kLateReadingsMax / 2);
      readings.push_back({.at = reading.at, .value = reading.value, .quality = reading.quality});
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
    if (stop_) return stopped();
    return {};
  }

  History& history_;
  const model::Site& site_;
  const pipeline::FactorRegistry& factors_;
  const std::atomic<bool>& stop_;
  std::optional<model::Checkpoint> checkpoint_;
  pipeline::LateParents parents_;
  Told changed_;  // by what was judged so far
};

}  // namespace

model::Result<std::vector<pipeline::LateJudgement>> judge_late_alerts(History& history, const model::Site& site,
                                                                      const pipeline::FactorRegistry& factors,
                                                                      std::span<const pipeline::LateWatch> late,
                                                                      const std::atomic<bool>& stop) {
  std::vector<pipeline::LateJudgement> judgements;
  Judging judging(history, site, factors, stop);
  for (const pipeline::LateWatch& one : late) {
    auto judgement = judging.judge(one);
    if (judgement.has_error()) return judgement.error();
    judgements.push_back(std::move(*judgement));
  }
  return judgements;
}

}  // namespace carbongate::app

#include "gateway/app/late_alerts.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "gateway/pipeline/late_groups.h"

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
    std::vector<model::Alert> told;
    if (auto read = read_alerts(late.watch, told); read.has_error()) return read.error();
    auto parents = read_parents(late.watch);
    if (parents.has_error()) return parents.error();
    return pipeline::judge_late(site_, late, readings, told, *parents);
  }

 private:
  model::Result<pipeline::LateJudgement> judge_group(const pipeline::LateWatch& late) {
    std::vector<pipeline::LateMember> members;
    for (const model::WatchId member : site_.watches.at(model::index(late.watch)).members) {
      members.push_back({.watch = member, .told = {}});
      if (auto read = read_alerts(member, members.back().told); read.has_error()) return read.error();
    }
    std::vector<model::Alert> told;
    if (auto read = read_alerts(late.watch, told); read.has_error()) return read.error();
    auto parents = read_parents(late.watch);
    if (parents.has_error()) return parents.error();
    return pipeline::judge_late_group(site_, late, members, told, *parents);
  }

  model::Result<std::vector<model::Alert>> read_parents(model::WatchId watch) {
    std::vector<model::Alert> parents;
    for (const model::WatchId parent : pipeline::holds_back(site_, watch)) {
      if (auto read = read_alerts(parent, parents); read.has_error()) return read.error();
    }
    if (stop_) return model::Fault{make_error_code(boost::system::errc::operation_canceled), "stopped"};
    return parents;
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

  model::Result<void> read_alerts(model::WatchId id, std::vector<model::Alert>& alerts) {
    const model::Watch& watch = site_.watches.at(model::index(id));
    const auto choose = [&](const model::Series& series) {
      if (stop_) return History::Choice::enough;
      return is_of(series, watch) ? History::Choice::take : History::Choice::skip;
    };
    return history_.each_of(History::What::alerts, {}, choose, [&](const model::StoredRow& row) {
      alerts.push_back(row.body.get<model::Alert>());
      return true;
    });
  }

  History& history_;
  const model::Site& site_;
  const std::atomic<bool>& stop_;
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

// Readings that come late, and the judgements that follow, as the gateway has them from its store.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gateway/model/hj212_flag.h"
#include "gateway/pipeline/late_alerts.h"
#include "gateway/pipeline/late_groups.h"
#include "gateway/pipeline/late_parents.h"
#include "gateway/pipeline/late_rates.h"
#include "gateway/pipeline/quality.h"
#include "tests/unit/gateway/pipeline/alert_fixture.h"

namespace carbongate::pipeline {

class LateTest : public AlertsTest {
 protected:
  struct Stored {
    PointId point{};
    model::JudgedReading reading;
  };
  static std::pair<Instant, PointId> key_of(const Stored& stored) { return {stored.reading.at, stored.point}; }

  void hear(PointId point, Instant at, double value, Instant received) {
    const Batch batch{.source = "test", .received = received, .readings = {reading(point, at, value)}, .settled = {}};
    keep(pipeline_->ingest({&batch, 1}, received));
  }
  void pass(std::string_view at) { keep(pipeline_->pass(time(at))); }

  // As the gateway does once it is quiet: on a worker, and when that is done, in turn with the readings.
  void judge() { keep(pipeline_->told_late(judgements())); }
  void judge_all() {
    for (int round = 0; round < 50 && !pipeline_->late_watches().empty(); ++round) judge();
    EXPECT_TRUE(pipeline_->late_watches().empty()) << "judged again and again";
  }
  std::vector<LateJudgement> judgements() {
    std::vector<LateJudgement> judgements;
    const std::vector<LateWatch> all = pipeline_->late_watches();
    std::optional<LateParents> right;
    const auto judge = [&](const LateWatch& late, LateParents::For whom) -> model::Result<LateJudgement> {
      std::vector<AlertsOf> parents = told_of_parents(late, judgements);
      EXPECT_TRUE(right->put_right(parents, late, whom));
      LateWatch of = late;
      if (whom == LateParents::For::its_children) of.expected = pipeline_->state().alerts[model::index(of.watch)].begun;
      const model::Watch& watch = site_.site.watches[model::index(late.watch)];
      if (watch.members.empty()) return judge_one(of, parents);
      std::vector<AlertsOf> members = alerts_told(watch.members, late, judgements);
      EXPECT_TRUE(right->put_right(members, late, LateParents::For::itself));
      return judge_late_group(site_.site, late, members, alerts_[late.watch], parents);
    };
    right.emplace(site_.site, judge);
    for (const LateWatch& late : all) judgements.push_back(judge(late, LateParents::For::itself).value());
    return judgements;
  }
  void tell(const std::vector<LateJudgement>& judgements) { keep(pipeline_->told_late(judgements)); }

  void keep(const model::Effects& effects) {
    note(effects);
    for (const model::JournalRow& row : effects.rows) {
      if (const auto* alert = row.body.get_if<model::Alert>()) {
        alerts_[std::get<model::WatchId>(row.subject)].push_back(*alert);
      } else if (const auto* heard = row.body.get_if<model::JudgedReading>()) {
        const Stored stored{std::get<PointId>(row.subject), *heard};
        stored_.insert(std::ranges::upper_bound(stored_, key_of(stored), {}, key_of), stored);
      }
    }
  }

  void begin_anew() {
    stored_.clear();
    alerts_.clear();
    start();
  }
  Instant time(std::string_view at) const { return utc(day_ + std::string(at)); }

  struct Stretch {
    Instant since{};
    Instant over = Instant::max();
    bool overlaps(const Stretch& other) const { return since < other.over && other.since < over; }
  };
  // The alerts that stand.
  std::vector<Stretch> standing(model::WatchId watch) {
    std::vector<model::Alert> alerts = alerts_[watch];
    std::ranges::sort(alerts, {}, [](const model::Alert& a) { return std::pair(a.since, a.revision); });
    std::map<Instant, Stretch> result;
    for (const model::Alert& alert : alerts) {
      result[alert.since] = {.since = alert.since, .over = is_active(alert.stage) ? Instant::max() : alert.at};
      if (alert.stage == model::AlertStage::withdrawn) result.erase(alert.since);
    }
    std::vector<Stretch> stretches;
    for (const auto& [since, stretch] : result) stretches.push_back(stretch);
    return stretches;
  }
  static std::string seconds(Instant at) { return std::to_string((at - utc("2023-06-01 00:00")).count() / 1000); }
  static std::string to_text(const std::vector<Stretch>& stretches) {
    std::string text;
    for (const Stretch& one : stretches) {
      text += seconds(one.since) + "-" + (one.over == Instant::max() ? "" : seconds(one.over)) + " ";
    }
    return text;
  }
  static void expect_each_among(const std::vector<Stretch>& some, const std::vector<Stretch>& others) {
    for (const Stretch& one : some) {
      EXPECT_TRUE(std::ranges::any_of(others, [&](const Stretch& other) { return one.overlaps(other); }))
          << seconds(one.since) << " is not among " << to_text(others);
    }
  }

  std::vector<Stored> stored_;  // in the order of the store
  std::map<model::WatchId, std::vector<model::Alert>> alerts_;

 private:
  std::vector<AlertsOf> alerts_told(const std::vector<model::WatchId>& ids, const LateWatch& late,
                                    const std::vector<LateJudgement>& judged) {
    std::vector<AlertsOf> told_of;
    for (const model::WatchId id : ids) {
      std::vector<model::Alert> told = alerts_[id];
      for (const LateJudgement& before : judged) {
        if (before.of.watch == id) told.insert(told.end(), before.changes.begin(), before.changes.end());
      }
      told_of.push_back({.watch = id, .alerts = alerts_of(told, late.until)});
    }
    return told_of;
  }
  std::vector<AlertsOf> told_of_parents(const LateWatch& late, const std::vector<LateJudgement>& judged) {
    return alerts_told(holds_back(site_.site, late.watch), late, judged);
  }
  LateJudgement judge_one(const LateWatch& late, const std::vector<AlertsOf>& parents) {
    const model::Watch& watch = site_.site.watches[model::index(late.watch)];
    if (!watch.accounts.empty()) return judge_rate(late, parents);
    return judge_late(site_.site, late, usable_of(watch, late), alerts_[late.watch], parents);
  }
  std::vector<PastReading> usable_of(const model::Watch& watch, const LateWatch& late) const {
    std::vector<PastReading> readings;
    for (const auto& [point, stored] : stored_) {
      if (std::ranges::find(watch.points, point) == watch.points.end() || !usable(stored.quality)) continue;
      if (stored.at < lead_of(site_.site, late) || stored.at > late.until) continue;
      if (readings.empty() || readings.back().at != stored.at)
        readings.push_back({.at = stored.at, .value = stored.value, .quality = stored.quality});
    }
    return readings;
  }
  LateJudgement judge_rate(const LateWatch& late, const std::vector<AlertsOf>& parents) {
    RatePlay play(site_.site, site_.factors(), late, pipeline_->state(), alerts_[late.watch], parents);
    for (const auto& [point, stored] : stored_) {
      if (std::ranges::find(play.points(), point) == play.points().end() || !play.wanted().contains(stored.at))
        continue;
      Reading said = reading(point, stored.at, stored.value);
      said.hj212_flag = model::flag_said(stored.quality);
      if (!play.take(said)) break;
    }
    return play.finish();
  }
};

}  // namespace carbongate::pipeline

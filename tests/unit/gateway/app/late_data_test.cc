// What the running gateway does with late data: the real one, over a real store.
#include <array>
#include <map>
#include <set>
#include <vector>

#include "tests/unit/gateway/app/gateway_on_disk.h"

namespace carbongate::app {
namespace {

class LateData : public GatewayOnDisk {
 protected:
  // A counter of 100 kW, every ten minutes.
  static double kwh_at(Duration at) { return 100.0 * static_cast<double>(at / 1min) / 60.0; }

  void hear_all(std::span<const PointId> points, Duration from, Duration until) {
    Batch batch{.source = "scripted", .received = clock_.now(), .readings = {}, .settled = {}};
    for (Duration at = from; at < until; at += 10min) {
      for (const PointId point : points)
        batch.readings.push_back({.point = point, .at = kMarch + at, .value = kwh_at(at)});
    }
    to_send_.push_back(std::move(batch));
  }

  // Between two readings, in whose middle a quarter hour ends.
  void hear_late(std::span<const PointId> points, int half_hour) {
    Batch batch{.source = "scripted", .received = clock_.now(), .readings = {}, .settled = {}};
    const Duration at = half_hour * 30min + 16min;
    for (const PointId point : points) {
      batch.readings.push_back({.point = point, .at = kMarch + at, .value = kwh_at(at) + 0.5});
    }
    to_send_.push_back(std::move(batch));
  }

  void note_corrected(const model::Effects& effects) {
    for (const model::JournalRow& row : effects.rows) {
      const auto* entry = row.body.get_if<model::EmissionEntry>();
      if (entry && entry->correction) corrected_.insert(std::get<model::AccountId>(row.subject));
    }
  }

  std::set<model::AccountId> corrected_;
};

TEST_F(LateData, OfManyPointsThatAreAlwaysLateIsRestatedOfAll) {
  constexpr int kPoints = 40;
  constexpr int kHalfHours = 24;
  std::vector<PointId> points;
  for (int i = 0; i < kPoints; ++i) points.push_back(add_metered_user("user-" + std::to_string(i)));
  make_on_disk(10s);
  gateway_->observe([this](const model::Effects& effects) { note_corrected(effects); });
  run();
  hear_all(points, 0h, kHalfHours * 30min + 10min);
  int half_hour = 0;
  const bool all_corrected = until([&] {
    if (to_send_.empty()) hear_late(points, half_hour++ % kHalfHours);
    return corrected_.size() == kPoints;
  });
  EXPECT_TRUE(all_corrected) << corrected_.size() << " of " << kPoints << " accounts were corrected";
}

TEST_F(LateData, RaisesAndEndsAlertsOfTheRateOfAUser) {
  const PointId point = add_metered_user("shop");
  model::AlertRule& rule = site_.alert_rules.emplace_back();
  rule.id = "load";
  rule.measure = model::Measure::rate;
  rule.above = 104;
  model::Watch& watch = site_.watches.emplace_back();
  watch.rule = "load";
  watch.user = "shop";
  watch.unit = "kW";
  watch.accounts = {site_.accounts[0].id};
  watch.carrier = site_.accounts[0].carrier;
  make_on_disk(10s);
  std::vector<model::Alert> alerts;
  gateway_->observe([&](const model::Effects& effects) {
    for (const model::JournalRow& row : effects.rows) {
      if (const auto* alert = row.body.get_if<model::Alert>()) alerts.push_back(*alert);
    }
  });
  run();
  const std::array points{point};
  hear_all(points, 0h, 2h);
  hear_late(points, 1);  // 105 kW from minute 40 on, and 92.5 kW from minute 46
  ASSERT_TRUE(until([&] { return alerts.size() >= 2; }));
  EXPECT_EQ(alerts[0].stage, model::AlertStage::firing);
  EXPECT_EQ(alerts[0].since, kMarch + 46min);
  EXPECT_EQ(alerts[0].cause, model::Cause::late_data);
  EXPECT_NEAR(alerts[0].value, 105, 0.01);
  EXPECT_EQ(alerts[1].stage, model::AlertStage::resolved);
  EXPECT_EQ(alerts[1].at, kMarch + 50min);
}

// Decided by readings that come hours later; the gateway waits for them, and the books keep what they have.
TEST_F(LateData, WhatACounterInDoubtLeavesOpenIsSettledOnceItIsDecided) {
  const PointId point = add_metered_user("shop");
  site_.points[index(point)].limits.power_max_w = 1'000'000;
  site_.points[index(point)].limits.interval = 15min;
  make_on_disk(10s);
  run();
  const auto hear = [&](Duration at, double kwh) {
    to_send_.push_back({.source = "scripted",
                        .received = clock_.now(),
                        .readings = {{.point = point, .at = kMarch + at, .value = kwh}},
                        .settled = {}});
  };
  const auto late = [&] { return gateway_->accounts().points[index(point)].late; };
  const auto pass_quietly = [&] {
    const io::SteadyTime end = clock_.ticks() + 40s;
    return until([&] { return clock_.ticks() >= end; });
  };
  for (int i = 0; i < 3; ++i) hear(i * 15min, 1'000 + 10 * i);
  hear(10min, 1'050);
  hear(45min, 1'030);
  ASSERT_TRUE(until([&] { return late().has_value(); }));
  EXPECT_TRUE(pass_quietly());
  EXPECT_TRUE(late()) << "not decided yet";
  EXPECT_EQ(gateway_->status().corrections, 0u);
  for (int i = 4; i < 30; ++i) hear(i * 15min, 1'000 + 10 * i);
  EXPECT_TRUE(until([&] { return !late(); }));
  EXPECT_EQ(gateway_->accounts().accounts[0].amount, model::Activity::of(290'000'000));
}

// Gas whose temperature of each minute comes when the result of that minute is made.
class LateTemperature : public LateData {
 protected:
  LateTemperature() {
    site_.points[index(result_)].unit = find_unit("Nm3").value();
    site_.points[index(result_)].computed = true;
    site_.accounts.back().carrier = model::find_carrier("natural-gas");
    site_.derived.push_back({.result = result_,
                             .formula = model::Formula::gas_at_reference,
                             .inputs = {{.role = model::Role::volume, .point = volume_},
                                        {.role = model::Role::temperature, .point = celsius_},
                                        {.role = model::Role::pressure, .point = {}, .constant = 200'000}},
                             .wait = 5s});
  }
  void hear(PointId point, int minute, double value) {
    to_send_.push_back({.source = "scripted",
                        .received = clock_.now(),
                        .readings = {{.point = point, .at = kMarch + minute * 1min, .value = value}},
                        .settled = {}});
    heard_.push_back(to_send_.back());
  }
  void hear_minute(int minute) {
    hear(volume_, minute, 1'000 + 10 * minute);
    if (minute > 1) hear(celsius_, minute - 1, 10 + minute % 13);
  }
  std::optional<model::LateData> late() const { return gateway_->accounts().points[index(result_)].late; }

  // In closed quarter hours.
  static model::Activity closed(const model::AccountState& account) {
    const auto& open = account.open[static_cast<std::size_t>(model::Period::quarter_hour)];
    return account.amount - (open ? open->amount : model::Activity{});
  }
  model::Activity closed_in_order() const {
    std::map<std::pair<Instant, bool>, Batch> by_time;  // the volume finds what stands beside it
    for (const Batch& batch : heard_) by_time[{batch.readings[0].at, batch.readings[0].point == volume_}] = batch;
    std::vector<Batch> in_order;
    for (const auto& [at, batch] : by_time) in_order.push_back(batch);
    config::Problems problems;
    const auto factors =
        pipeline::FactorRegistry::load(config::DataFiles("."), std::vector<std::string>{}, "UTC", problems);
    pipeline::Pipeline right(site_, factors, {});
    right.ingest(in_order, clock_.now());
    return closed(right.state().accounts[0]);
  }

  PointId volume_ = add_point("volume", Kind::cumulative, "m3");
  PointId celsius_ = add_point("celsius", Kind::instantaneous, "°C");
  PointId result_ = add_metered_user("boiler");
  std::vector<Batch> heard_;
};

TEST_F(LateTemperature, IsBookedByTheGatewayItself) {
  make_on_disk(10s);
  run();
  hear(celsius_, 0, 10);
  for (int minute = 0; minute <= 61; ++minute) hear_minute(minute);
  ASSERT_TRUE(corrected(4));
  EXPECT_TRUE(until([&] { return late() && late()->earliest >= kMarch + 1h; })) << "what is closed is settled";
  EXPECT_EQ(closed(gateway_->accounts().accounts[0]), closed_in_order());
  EXPECT_EQ(gateway_->status().corrections, 4u);
}

TEST_F(LateTemperature, IsRestatedOnceItIsQuietOrAfterAWhile) {
  make_on_disk(60s);
  run();
  hear(celsius_, 0, 10);
  int minute = 0;
  io::SteadyTime next = clock_.ticks();
  const io::SteadyTime begin = next;
  const auto passed = [&] { return clock_.ticks() - begin; };
  ASSERT_TRUE(until([&] {
    if (clock_.ticks() >= next) {
      hear_minute(minute++);
      next += 15s;
    }
    return gateway_->status().corrections > 0;
  }));
  EXPECT_GT(passed(), 5min) << "it is never quiet";
  EXPECT_LT(passed(), 8min);
}

}  // namespace
}  // namespace carbongate::app

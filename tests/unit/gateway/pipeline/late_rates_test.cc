#include "gateway/pipeline/late_rates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/rounds.h"
#include "tests/unit/gateway/pipeline/late_fixture.h"

namespace carbongate::pipeline {
namespace {

using namespace std::chrono_literals;
using model::Measure;

// A user with a meter that tells its power and one that counts, both by a factor that is heard.
class LateRates : public LateTest {
 protected:
  LateRates() {
    PointLimits limits;
    limits.interval = 5min;
    intensity_ = site_.add_point("intensity", Kind::instantaneous, "1");
    power_ = site_.add_point("power", Kind::instantaneous, "kW", limits);
    energy_ = site_.add_point("energy", Kind::cumulative, "kWh", limits);
    model::LiveFactor live;
    live.source = intensity_;
    live.like.set = "grid-live";
    live.like.carrier = "electricity";
    live.like.region = "CN-SC";
    live.like.method = "live";
    live.like.unit_text = "gCO2/kWh";
    live.like.source = "grid operator";
    live.like.version = "live";
    live.hold = 3h;
    site_.site.live_factors.push_back(live);
    of_power_ = site_.add_account(power_, "electricity", "grid-live", "CN-SC", "live");
    of_energy_ = site_.add_account(energy_, "electricity", "grid-live", "CN-SC", "live");
  }

  model::AlertRule& rate_rule(std::string id, model::AlertSum sum, double above) {
    model::AlertRule& added = rule(std::move(id), Measure::rate);
    added.sum = sum;
    added.above = above;
    model::Watch& watch = watch_user("shop", {of_power_, of_energy_});
    watch.unit = sum == model::AlertSum::co2e ? "kg/h" : "kW";
    watch_ = watch.id;
    return added;
  }
  void read(PointId point, std::string_view at, double value) { hear(point, time(at), value, time(at)); }
  void read_late(PointId point, std::string_view at, double value, std::string_view heard) {
    hear(point, time(at), value, time(heard));
  }

  PointId intensity_;
  PointId power_;
  PointId energy_;
  model::AccountId of_power_{};
  model::AccountId of_energy_{};
  model::WatchId watch_{};
};

TEST_F(LateRates, RaiseWhatThePowerWasMeanwhile) {
  rate_rule("load", model::AlertSum::amount, 800);
  start();
  for (const char* at : {"04:00:00", "04:05:00", "04:10:00", "04:15:00"}) read(power_, at, 600);
  read_late(power_, "04:07:00", 1800, "04:15:30");
  EXPECT_EQ(told(), "");
  restart();
  judge();
  EXPECT_EQ(told(),
            "06-01 04:07:00 load shop firing since 06-01 04:07:00 1200/800 late-data\n"
            "06-01 04:15:00 load shop resolved since 06-01 04:07:00 600/800 #1 late-data\n");
  EXPECT_TRUE(pipeline_->late_watches().empty());
  read_late(power_, "04:08:00", 600, "04:16:00");
  judge();
  EXPECT_EQ(told(), "") << "it was that much all the same";
  read(power_, "04:20:00", 1800);
  EXPECT_EQ(told(), "06-01 04:20:00 load shop firing since 06-01 04:20:00 1200/800\n") << "by itself, as ever";
}

TEST_F(LateRates, WithdrawWhatDidNotHoldAllTheTime) {
  rate_rule("load", model::AlertSum::amount, 800).hold_for = 5min;
  start();
  for (const char* at : {"04:00:00", "04:04:00", "04:08:00"}) read(power_, at, 900);
  pass("04:10:00");
  EXPECT_EQ(told(), "06-01 04:09:00 load shop firing since 06-01 04:04:00 900/800\n");
  read(power_, "04:12:00", 120);
  EXPECT_EQ(told(), "06-01 04:12:00 load shop resolved since 06-01 04:04:00 510/800 #1\n");
  read_late(power_, "04:06:00", 120, "04:12:30");
  judge();
  EXPECT_EQ(told(), "06-01 04:12:00 load shop withdrawn since 06-01 04:04:00 #2 late-data\n");
  read_late(power_, "04:06:30", 4020, "04:13:00");
  for (const char* at : {"04:09:00", "04:11:00"}) read_late(power_, at, 900, "04:13:00");
  judge();
  EXPECT_EQ(told(),
            "06-01 04:11:30 load shop firing since 06-01 04:06:30 900/800 late-data\n"
            "06-01 04:12:00 load shop resolved since 06-01 04:06:30 510/800 #1 late-data\n");
}

TEST_F(LateRates, HaveWhatGoesOnFireAndTheTrueBeginStand) {
  rate_rule("load", model::AlertSum::amount, 800).hold_for = 10min;
  start();
  read(power_, "04:00:00", 120);
  read(power_, "04:10:00", 1680);
  read_late(power_, "04:05:00", 1680, "04:10:30");
  judge();
  EXPECT_EQ(told(), "") << "not yet so long";
  restart();
  read(power_, "04:12:00", 1680);
  pass("04:15:30");
  EXPECT_EQ(told(), "06-01 04:15:00 load shop firing since 06-01 04:05:00 1680/800\n");
}

// What the other meter tells by now says nothing of then.
TEST_F(LateRates, AreNotMixedOfTwoTimesByAMeterThatIsBehind) {
  rate_rule("load", model::AlertSum::amount, 800);
  start();
  read(power_, "04:00:00", 100);
  read(energy_, "04:00:00", 1000);
  read(energy_, "04:40:00", 1040);
  read_late(power_, "04:05:00", 1700, "04:40:30");
  EXPECT_EQ(told(), "") << "1700 with half of what the counter did until 04:40";
  judge_all();
  EXPECT_EQ(told(),
            "06-01 04:05:00 load shop firing since 06-01 04:05:00 900/800 late-data\n"
            "06-01 04:40:00 load shop resolved since 06-01 04:05:00 60/800 #1 late-data\n");
  read(energy_, "04:45:00", 1045);
  judge();
  EXPECT_EQ(told(), "");
}

TEST_F(LateRates, LeaveBothOfTwoThatLateDataJoin) {
  rate_rule("load", model::AlertSum::amount, 800);
  start();
  for (const char* at : {"04:00:00", "04:05:00", "04:10:00"}) read(power_, at, 900);
  read(power_, "04:15:00", 100);
  for (const char* at : {"06:00:00", "06:05:00"}) read(power_, at, 900);
  read(power_, "06:10:00", 100);
  told();
  for (const char* at : {"04:12:00", "04:14:00"}) read_late(power_, at, 9000, "06:11:00");
  judge_all();
  EXPECT_EQ(told(), "");
}

// The first was over for want of readings, and goes on by those that came late: the second fires on.
TEST_F(LateRates, LeaveTheSecondOfTwoThatLateDataJoinFiring) {
  rate_rule("load", model::AlertSum::amount, 800);
  start();
  for (const char* at : {"02:00:00", "02:05:00", "02:10:00", "02:15:00", "02:20:00"}) read(power_, at, 900);
  for (const char* at : {"02:25:00", "02:30:00", "02:35:00", "02:40:00", "02:45:00"}) read(power_, at, 900);
  read(energy_, "04:50:00", 1000);
  read(energy_, "05:00:00", 1001);
  for (const char* at : {"06:00:00", "06:05:00"}) read(power_, at, 900);
  EXPECT_EQ(told(),
            "06-01 02:05:00 load shop firing since 06-01 02:05:00 900/800\n"
            "06-01 05:00:00 load shop resolved since 06-01 02:05:00 6/800 #1\n"
            "06-01 06:05:00 load shop firing since 06-01 06:05:00 900/800\n");
  for (Instant at = time("02:50:00"); at < time("06:00:00"); at += 5min) hear(power_, at, 900, time("06:06:00"));
  judge_all();
  EXPECT_EQ(told(), "");
  read(energy_, "06:06:00", 1002);
  read(power_, "06:10:00", 0);
  read(power_, "06:15:00", 0);
  EXPECT_EQ(told(), "06-01 06:10:00 load shop resolved since 06-01 06:05:00 450.909091/800 #1\n");
}

// It was told to be over because a meter was behind, and by all readings it fires on.
TEST_F(LateRates, FireOnWhereAMeterWasOnlyBehind) {
  rate_rule("load", model::AlertSum::amount, 900).clear_above = 300;
  start();
  for (const char* at : {"03:00:00", "03:05:00"}) read(power_, at, 500);
  read(energy_, "03:00:10", 1000);
  read(energy_, "03:05:10", 1050);
  double kwh = 1050;
  for (const char* at : {"03:10:10", "03:15:10", "03:20:10", "03:25:10"}) read(energy_, at, kwh += 20);
  EXPECT_EQ(told(),
            "06-01 03:05:10 load shop firing since 06-01 03:05:10 1100.000004/900\n"
            "06-01 03:20:10 load shop resolved since 06-01 03:05:10 240/900 #1\n");
  for (const char* at : {"03:10:00", "03:15:00", "03:20:00", "03:25:00"}) read_late(power_, at, 500, "03:25:30");
  judge_all();
  EXPECT_EQ(told(), "06-01 03:05:10 load shop firing since 06-01 03:05:10 1100.000004/900 #2 late-data\n");
  read(energy_, "03:30:10", kwh += 20);
  EXPECT_EQ(told(), "");
}

TEST_F(LateRates, AreNotTooLowWhereAMeterHasCountedNothingYet) {
  model::AlertRule& low = rate_rule("low", model::AlertSum::amount, 0);
  low.above.reset();
  low.below = 600;
  start();
  read(power_, "04:00:00", 500);
  read(energy_, "04:00:00", 1000);
  read(power_, "04:05:00", 500);
  read(energy_, "04:05:00", 1050);
  EXPECT_EQ(told(), "");
  read(energy_, "04:10:00", 1050);
  read(power_, "04:10:00", 500);
  EXPECT_TRUE(told().starts_with("06-01 04:10:00 low shop firing since 06-01 04:10:00 500"));
}

TEST_F(LateRates, JudgeTheCo2eByTheFactorThatCameLate) {
  rate_rule("carbon", model::AlertSum::co2e, 600);
  rate_rule("load", model::AlertSum::amount, 5000);
  start();
  read(intensity_, "04:00:00", 400);
  for (const char* at : {"04:00:00", "04:05:00", "04:10:00", "04:15:00", "04:20:00", "04:25:00", "04:30:00", "04:35:00",
                         "04:40:00", "04:45:00", "04:50:00"}) {
    read(power_, at, 1200);
  }
  EXPECT_EQ(told(), "") << "480 kg/h";
  read_late(intensity_, "04:15:00", 600, "04:50:10");
  read_late(intensity_, "04:30:00", 450, "04:50:10");
  judge();
  EXPECT_EQ(told(),
            "06-01 04:20:00 carbon shop firing since 06-01 04:20:00 720/600 late-data\n"
            "06-01 04:35:00 carbon shop resolved since 06-01 04:20:00 540/600 #1 late-data\n");
  restart();
  read_late(intensity_, "04:15:00", 480, "04:55:00");
  judge();
  EXPECT_EQ(told(), "06-01 04:35:00 carbon shop withdrawn since 06-01 04:20:00 #2 late-data\n")
      << "the feed revised it";
  EXPECT_TRUE(pipeline_->late_watches().empty());
}

TEST_F(LateRates, WithdrawTheCo2eOfAFactorThatNoLongerHeld) {
  rate_rule("carbon", model::AlertSum::co2e, 500);
  start();
  read(intensity_, "04:00:00", 600);
  for (const char* at : {"04:00:00", "04:05:00", "04:10:00", "04:15:00", "04:20:00", "04:25:00"}) read(power_, at, 700);
  EXPECT_EQ(told(), "") << "420 kg/h";
  for (const char* at : {"04:30:00", "04:35:00", "04:40:00"}) read(power_, at, 1000);
  read(power_, "04:45:00", 500);
  EXPECT_EQ(told(),
            "06-01 04:30:00 carbon shop firing since 06-01 04:30:00 510/500\n"
            "06-01 04:45:00 carbon shop resolved since 06-01 04:30:00 450/500 #1\n");
  read_late(intensity_, "04:15:00", 300, "04:46:00");
  judge();
  EXPECT_EQ(told(), "06-01 04:45:00 carbon shop withdrawn since 06-01 04:30:00 #2 late-data\n");
}

TEST_F(LateRates, KnowTheFactorThatWasInForceLongBefore) {
  site_.site.live_factors[0].hold = 12h;
  rate_rule("carbon", model::AlertSum::co2e, 500);
  start();
  read(intensity_, "00:00:00", 600);
  for (int hour = 1; hour < 9; ++hour) {
    for (int minute = 0; minute < 60; minute += 5) {
      const Instant at = time("00:00:00") + hour * 1h + minute * 1min;
      hear(power_, at, 700, at);
    }
  }
  told();
  read_late(power_, "08:53:00", 1300, "08:56:00");
  judge();
  EXPECT_EQ(told(), "06-01 08:53:00 carbon shop firing since 06-01 08:53:00 600/500 late-data\n");
}

TEST_F(LateRates, RaiseNothingThatWorkOrAnotherAlertHeldBack) {
  model::AlertRule& open = rule("gate", Measure::value);
  open.above = 1;
  open.hold_for = 2min;
  const PointId gate = site_.add_point("gate", Kind::instantaneous, "kW");
  watch_point(gate);
  rate_rule("load", model::AlertSum::amount, 800).depends_on = {0};
  site_.site.maintenance.push_back(
      {.from = time("05:00:00"), .to = time("05:30:00"), .rules = {}, .devices = {}, .users = {"shop"}});
  start();
  for (int minute = 0; minute < 100; minute += 5) {
    const Instant at = time("04:00:00") + minute * 1min;
    hear(power_, at, 600, at);
    if (minute == 15) hear(gate, at + 1s, 2, at + 1s);
    if (minute == 35) hear(gate, at + 1s, 0, at + 1s);
  }
  told();
  read_late(power_, "04:22:00", 1800, "05:36:00");
  read_late(power_, "05:12:00", 1800, "05:36:00");
  judge();
  EXPECT_EQ(told(), "");
  read_late(power_, "04:47:00", 1800, "05:36:00");
  judge();
  EXPECT_EQ(told(),
            "06-01 04:47:00 load shop firing since 06-01 04:47:00 1200/800 late-data\n"
            "06-01 04:55:00 load shop resolved since 06-01 04:47:00 600/800 #1 late-data\n");
  // The gate was not open for so long: what it held back is told.
  read_late(gate, "04:16:00", 0, "05:36:00");
  judge_all();
  EXPECT_EQ(told(),
            "06-01 04:35:01 gate device.gate withdrawn since 06-01 04:15:01 #2 late-data\n"
            "06-01 04:22:00 load shop firing since 06-01 04:22:00 1200/800 late-data\n"
            "06-01 04:30:00 load shop resolved since 06-01 04:22:00 600/800 #1 late-data\n");
}

TEST_F(LateRates, OfDerivedPointsFollowFromTheirInputs) {
  site_.site.accounts.clear();
  const PointId sum = site_.add_point("both", Kind::instantaneous, "kW", site_.site.points[index(power_)].limits);
  const PointId other = site_.add_point("power-2", Kind::instantaneous, "kW", site_.site.points[index(power_)].limits);
  model::Derived derived;
  derived.result = sum;
  for (const PointId point : {power_, other}) {
    model::DerivedInput& input = derived.inputs.emplace_back();
    input.point = point;
  }
  site_.site.derived.push_back(derived);
  of_power_ = of_energy_ = site_.add_account(sum);
  rule("load", Measure::rate).above = 800;
  watch_user("shop", {of_power_}).unit = "kW";
  start();
  const auto hear_both = [&](Instant at, double value, Instant received) {
    const Batch batch{.source = "test",
                      .received = received,
                      .readings = {reading(power_, at, value), reading(other, at, value)},
                      .settled = {}};
    keep(pipeline_->ingest({&batch, 1}, received));
  };
  for (int minute = 0; minute < 30; minute += 5) {
    const Instant at = time("04:00:00") + minute * 1min;
    hear_both(at, 240, at);
  }
  told();
  hear_both(time("04:12:00"), 960, time("04:26:00"));
  judge();
  EXPECT_EQ(told(),
            "06-01 04:12:00 load shop firing since 06-01 04:12:00 1200/800 late-data\n"
            "06-01 04:20:00 load shop resolved since 06-01 04:12:00 480/800 #1 late-data\n");
}

// Each in its order, but the time of one is over when the other comes.
TEST_F(LateRates, OfAMeterThatIsBehindTheOthersAreJudgedWithThem) {
  rate_rule("load", model::AlertSum::amount, 1500);
  start();
  for (int minute = 0; minute <= 60; minute += 5) {
    const Instant at = time("04:00:00") + minute * 1min;
    hear(power_, at, minute <= 30 ? 1200 : 120, at);
    if (minute == 0) hear(energy_, at, 1000, at);
  }
  EXPECT_EQ(told(), "");
  for (int minute = 5; minute <= 60; minute += 5) {
    hear(energy_, time("04:00:00") + minute * 1min, 1000 + 10 * minute, time("05:01:00"));
  }
  EXPECT_EQ(told(), "") << "720 kW";
  EXPECT_EQ(pipeline_->statistics().late_for_alerts, 10u);
  judge();
  EXPECT_EQ(told(),
            "06-01 04:05:00 load shop firing since 06-01 04:05:00 1800/1500 late-data\n"
            "06-01 04:35:00 load shop resolved since 06-01 04:05:00 1260/1500 #1 late-data\n");
  EXPECT_TRUE(pipeline_->late_watches().empty());
}

// What was booked by a factor keeps it for the quarter hour: live rates are of the old one until then.
TEST_F(LateRates, AreJudgedAgainOnceTheFactorIsTheRightOne) {
  rate_rule("carbon", model::AlertSum::co2e, 600);
  start();
  read(intensity_, "04:00:00", 600);
  for (int minute = 0; minute <= 35; minute += 5) {
    const Instant at = time("04:00:00") + minute * 1min;
    hear(power_, at, 600, at);
  }
  read_late(intensity_, "04:30:00", 400, "04:36:00");
  judge();
  EXPECT_EQ(told(), "");
  EXPECT_TRUE(pipeline_->late_watches().empty()) << "not before 04:45";
  restart();
  for (const char* at : {"04:40:00", "04:45:00", "04:50:00"}) read(power_, at, 1200);
  EXPECT_EQ(told(),
            "06-01 04:45:00 carbon shop firing since 06-01 04:45:00 720/600\n"
            "06-01 04:50:00 carbon shop resolved since 06-01 04:45:00 480/600 #1\n");
  judge();
  EXPECT_EQ(told(), "06-01 04:50:00 carbon shop withdrawn since 06-01 04:45:00 #2 late-data\n");
  EXPECT_TRUE(pipeline_->late_watches().empty());
}

// Live it is the mean since the reading that was heard before.
TEST_F(LateRates, GoOnFromTheRateOfTheNewestReading) {
  rate_rule("load", model::AlertSum::amount, 1500);
  start();
  read(power_, "04:00:00", 60);
  read(energy_, "04:00:00", 1000);
  read(power_, "04:10:00", 60);
  read(energy_, "04:10:00", 1200);
  read_late(energy_, "04:08:00", 1010, "04:10:30");
  EXPECT_EQ(told(), "");
  judge();
  EXPECT_EQ(told(), "06-01 04:10:00 load shop firing since 06-01 04:10:00 5760/1500 late-data\n");
  read(power_, "04:15:00", 60);
  EXPECT_EQ(told(), "") << "and not 1260 kW";
  read(energy_, "04:20:00", 1250);
  EXPECT_EQ(told(), "06-01 04:20:00 load shop resolved since 06-01 04:10:00 360/1500 #1\n");
}

// The first part ends within an alert, and behind another.
TEST_F(LateRates, OfManyDaysAreJudgedInParts) {
  rate_rule("load", model::AlertSum::amount, 800);
  start();
  const Instant begin = time("00:00:00");
  const auto right = [&](Instant at) {
    const auto hours = (at - begin) / 1h;
    return hours == 20 || hours == 47 || hours == 48 || hours == 70 ? 1200.0 : 600.0;
  };
  for (Instant at = begin; at < begin + 80h; at += 10min) hear(power_, at, 600, at);
  told();
  for (Instant at = begin + 5min; at < begin + 79h; at += 10min) hear(power_, at, 2 * right(at) - 600, begin + 80h);
  ASSERT_EQ(pipeline_->late_watches().size(), 1u);
  judge();
  ASSERT_EQ(pipeline_->late_watches().size(), 1u) << "the rest";
  judge_all();
  EXPECT_EQ(told(),
            "06-01 20:05:00 load shop firing since 06-01 20:05:00 1200/800 late-data\n"
            "06-01 21:05:00 load shop resolved since 06-01 20:05:00 600/800 #1 late-data\n"
            "06-02 23:05:00 load shop firing since 06-02 23:05:00 1200/800 late-data\n"
            "06-03 01:05:00 load shop resolved since 06-02 23:05:00 600/800 #1 late-data\n"
            "06-03 22:05:00 load shop firing since 06-03 22:05:00 1200/800 late-data\n"
            "06-03 23:05:00 load shop resolved since 06-03 22:05:00 600/800 #1 late-data\n");
}

// Whatever order they are heard in: the alerts that stand are those of the readings in their own order.
class RatesInAnyOrder : public LateRates, public ::testing::WithParamInterface<unsigned> {
 protected:
  struct Heard {
    PointId point{};
    Instant at{};
    double value = 0;
  };
};
INSTANTIATE_TEST_SUITE_P(Seeds, RatesInAnyOrder, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(60))));

TEST_P(RatesInAnyOrder, OverlapWhatFollowsFromTheRightOne) {
  std::mt19937 random(GetParam());
  const auto below = [&](unsigned n) {
    return static_cast<int>(std::uniform_int_distribution<unsigned>(0, n - 1)(random));
  };
  const bool by_co2e = below(2) == 0;
  model::AlertRule& over =
      rate_rule("over", by_co2e ? model::AlertSum::co2e : model::AlertSum::amount, by_co2e ? 600 : 1200);
  over.clear_above = *over.above * 0.9;
  over.hold_for = below(3) * 4min;
  if (below(4) == 0) over.below = *over.above * 0.4;
  if (below(3) == 0) {
    const Instant from = time("00:00:00") + below(180) * 1min;
    site_.site.maintenance.push_back(
        {.from = from, .to = from + (1 + below(20)) * 1min, .rules = {}, .devices = {}, .users = {}});
  }
  std::vector<Heard> readings;
  double kwh = 1000;
  double power = 500;
  double counted = 500;
  Duration gap{};
  for (int i = 0; i < 200; ++i) {
    const Instant at = time("00:00:00") + i * 60s + gap + below(20) * 1s;
    if (below(40) == 0) gap += below(2) == 0 ? 5min : 20min;
    if (below(5) == 0) power = 200 + 150 * below(8);
    if (below(5) == 0) counted = 200 + 150 * below(8);
    if (i % 15 == 3) readings.push_back({intensity_, at - 1s, 350.0 + 100 * below(4)});
    if (below(6) != 0) readings.push_back({power_, at, power});
    kwh += counted / 60;
    if (below(3) == 0) readings.push_back({energy_, at + 500ms, kwh});
  }

  begin_anew();
  for (const Heard& one : readings) hear(one.point, one.at, one.value, one.at);
  keep(pipeline_->pass(readings.back().at + 1min));
  const std::vector<Stretch> right = standing(watch_);

  begin_anew();
  std::vector<Heard> late;
  std::map<PointId, Instant> newest;
  // Once it is older than another of its point, or behind those of the other meter for longer than they are apart.
  const auto hear_what_waits = [&](Instant now) {
    std::ranges::shuffle(late, random);
    std::erase_if(late, [&](const Heard& one) {
      if (one.at > newest[one.point] && now - one.at < 6min) return false;
      hear(one.point, one.at, one.value, now);
      newest[one.point] = std::max(newest[one.point], one.at);
      return true;
    });
    keep(pipeline_->pass(now));
  };
  const Instant last = readings.back().at;
  for (const Heard& one : readings) {
    // The newest of each is heard in its time: what a counter shows last, or is counted by an old factor, is not judged
    // yet.
    const bool is_last = last - one.at < (one.point == intensity_ ? 45min : 10min);
    if (!is_last && below(4) == 0) {
      late.push_back(one);
    } else {
      hear(one.point, one.at, one.value, one.at);
      newest[one.point] = one.at;
    }
    if (below(25) != 0) continue;
    hear_what_waits(one.at);
    if (below(2) == 0) judge();
    if (below(4) == 0) restart();
  }
  hear_what_waits(last);
  judge_all();
  keep(pipeline_->pass(last + 1min));
  expect_each_among(right, standing(watch_));
  expect_each_among(standing(watch_), right);
  if (HasFailure()) ADD_FAILURE() << "right " << to_text(right) << "\nstands " << to_text(standing(watch_));
}

}  // namespace
}  // namespace carbongate::pipeline

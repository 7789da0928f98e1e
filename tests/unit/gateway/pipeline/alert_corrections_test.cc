// What was judged by other figures than there are now is raised, withdrawn, or ends at another time, as a correction.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/support/rounds.h"
#include "tests/unit/gateway/pipeline/alert_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Measure;
using model::Period;
using namespace std::chrono_literals;

class CorrectedAlerts : public UserAlerts {
 protected:
  // A quarter hour each, from midnight on.
  void quarters(const std::vector<double>& kwh) {
    double value = 0;
    Instant at = utc(day_ + "00:00:00");
    read_at(meter_, at, value);
    for (const double amount : kwh) read_at(meter_, at += 15min, value += amount);
  }
  void read_at(PointId point, Instant at, double value) {
    const Reading one = reading(point, at, value);
    const Batch batch{.source = "test", .received = at, .readings = {one}, .settled = {}};
    note(pipeline_->ingest({&batch, 1}, at));
  }

  model::AlertRule& window(double above) {
    auto& window = rule("window", Measure::window);
    window.length = 1h;
    window.above = above;
    watch_user("press", {account_}).unit = "kWh";
    return window;
  }
};

TEST_F(CorrectedAlerts, OfAWindowAreRaisedInThePast) {
  window(40);
  start();
  quarters({10, 10, 10, 10, 5, 5, 5, 5, 5});
  EXPECT_EQ(told(), "");
  restart();
  correct("00:30:00", 6);
  EXPECT_EQ(told(),
            "06-01 01:00:00 window press firing since 06-01 01:00:00 46/40 late-data\n"
            "06-01 01:30:00 window press resolved since 06-01 01:00:00 36/40 #1 late-data\n")
      << "01:15 has 41, 01:30 36";
  correct("00:30:00", 1);
  EXPECT_EQ(told(), "") << "it stands";
  restart();
  correct("00:30:00", -7);
  EXPECT_EQ(told(), "06-01 01:30:00 window press withdrawn since 06-01 01:00:00 40/40 #2 late-data\n");
  correct("00:30:00", 6);
  EXPECT_EQ(told(),
            "06-01 01:00:00 window press firing since 06-01 01:00:00 46/40 #3 late-data\n"
            "06-01 01:30:00 window press resolved since 06-01 01:00:00 36/40 #4 late-data\n");
}

TEST_F(CorrectedAlerts, AreNotRaisedWhileWhatTheyDependOnFires) {
  const PointId gate = site_.add_point("gate", Kind::instantaneous, "kW");
  rule("gate", Measure::value).above = 1;
  watch_point(gate);
  window(40).depends_on = {0};
  start();
  read(gate, "00:10:00", 2);
  quarters({10, 10, 10, 10, 5, 5, 5, 5, 5});
  told();
  correct("00:30:00", 6);
  EXPECT_EQ(told(), "");
  read(gate, "02:20:00", 0);
  told();
  correct("01:45:00", 30);
  EXPECT_EQ(told(), "06-01 02:00:00 window press firing since 06-01 02:00:00 50/40 late-data\n")
      << "what is over is not known to have fired then";
}

TEST_F(CorrectedAlerts, ThatWereToldAreWithdrawn) {
  window(40);
  start();
  quarters({10, 10, 10, 11, 5, 5, 5, 5, 5});
  EXPECT_EQ(told(),
            "06-01 01:00:00 window press firing since 06-01 01:00:00 41/40\n"
            "06-01 01:15:00 window press resolved since 06-01 01:00:00 36/40 #1\n");
  restart();
  correct("00:15:00", -2);
  EXPECT_EQ(told(), "06-01 01:15:00 window press withdrawn since 06-01 01:00:00 39/40 #2 late-data\n");
}

TEST_F(CorrectedAlerts, ThatFireStillAreWithdrawnOrEndEarlier) {
  window(40).clear_above = 35;
  start();
  quarters({10, 10, 10, 11, 10, 10});
  EXPECT_EQ(told(), "06-01 01:00:00 window press firing since 06-01 01:00:00 41/40\n");
  correct("00:45:00", -10);
  EXPECT_EQ(told(), "06-01 01:00:00 window press withdrawn since 06-01 01:00:00 31/40 #1 late-data\n");
  correct("00:45:00", 10);
  EXPECT_EQ(told(), "06-01 01:00:00 window press firing since 06-01 01:00:00 41/40 #2 late-data\n")
      << "it fires again, under its name";
  correct("01:00:00", -7);
  EXPECT_EQ(told(), "06-01 01:15:00 window press resolved since 06-01 01:00:00 34/40 #3 late-data\n")
      << "it fired rightly, and was over then";
  correct("01:00:00", 7);
  EXPECT_EQ(told(), "06-01 01:00:00 window press firing since 06-01 01:00:00 41/40 #4 late-data\n") << "it goes on";
}

TEST_F(CorrectedAlerts, WaitAsLongAsOthers) {
  window(40).hold_for = 30min;
  start();
  quarters({10, 10, 10, 10, 10, 10, 10, 10, 10});
  correct("00:45:00", 1);
  EXPECT_EQ(told(),
            "06-01 01:30:00 window press firing since 06-01 01:00:00 41/40 late-data\n"
            "06-01 02:00:00 window press resolved since 06-01 01:00:00 40/40 #1 late-data\n");
  correct("00:45:00", -1);
  EXPECT_EQ(told(), "06-01 02:00:00 window press withdrawn since 06-01 01:00:00 40/40 #2 late-data\n");
}

TEST_F(CorrectedAlerts, OfTheLastQuarterHoursGoOnFromTheCorrection) {
  window(40).hold_for = 30min;
  start();
  quarters({10, 10, 10, 10, 10});
  correct("01:00:00", 1);
  EXPECT_EQ(told(), "") << "it waits now";
  pass("01:44:59");
  EXPECT_EQ(told(), "");
  pass("01:46:00");
  EXPECT_EQ(told(), "06-01 01:45:00 window press firing since 06-01 01:15:00 41/40\n");
  correct("01:00:00", -1);
  EXPECT_EQ(told(), "06-01 01:45:00 window press withdrawn since 06-01 01:15:00 40/40 #1 late-data\n");
}

TEST_F(CorrectedAlerts, OfCoverageKnowWhatWasFilledIn) {
  auto& coverage = rule("coverage", Measure::coverage);
  coverage.period = Period::hour;
  coverage.below = 90;
  watch_user("press", {account_}).unit = "%";
  start();
  for (int minute = 0; minute <= 240; minute += 15) {
    if (minute == 75) minute = 90 + 15;  // no reading from 01:15 to 01:30
    if (minute > 60 && minute < 120) continue;
    read_at(meter_, utc(day_ + "00:00:00") + 1min * minute, minute);
  }
  EXPECT_EQ(told(), "") << "bridged";
  correct(account_, utc(day_ + "01:15:00"), 0, 0, -10min);
  EXPECT_EQ(told(),
            "06-01 02:00:00 coverage press firing since 06-01 02:00:00 83.333333/90 late-data\n"
            "06-01 03:00:00 coverage press resolved since 06-01 02:00:00 100/90 #1 late-data\n");
  correct(account_, utc(day_ + "01:15:00"), 0, 0, 10min);
  EXPECT_EQ(told(), "06-01 03:00:00 coverage press withdrawn since 06-01 02:00:00 100/90 #2 late-data\n");
}

// An hour is watched from a quarter past on, or not at all; what is known later says otherwise, after a restart.
class CorrectedCoverage : public CorrectedAlerts {
 protected:
  CorrectedCoverage() {
    auto& coverage = rule("coverage", Measure::coverage);
    coverage.period = Period::hour;
    coverage.below = 90;
    watch_user("press", {account_}).unit = "%";
  }
  // Every quarter hour.
  void watch_from(int first, int last) {
    for (int minute = first; minute <= last; minute += 15) {
      read_at(meter_, utc(day_ + "00:00:00") + 1min * minute, minute);
    }
  }
  void cover(std::string_view begin, Duration more) { correct(account_, utc(day_ + std::string(begin)), 0, 0, more); }
};

TEST_F(CorrectedCoverage, IsWithdrawnWhileItFiresAfterARestart) {
  start();
  watch_from(0, 60);
  pass("04:01:00");
  EXPECT_EQ(told(), "06-01 02:00:00 coverage press firing since 06-01 02:00:00 0/90\n");
  restart();
  watch_from(5 * 60, 5 * 60 + 15);
  told();
  restart();
  for (const char* quarter : {"01:00:00", "01:15:00", "01:30:00", "01:45:00"}) cover(quarter, 15min);
  EXPECT_NE(told().find("withdrawn since 06-01 02:00:00"), std::string::npos);
}

TEST_F(CorrectedCoverage, IsWithdrawnWhenItIsOverAfterARestart) {
  start();
  watch_from(0, 60);
  watch_from(3 * 60 + 30, 6 * 60 + 15);
  EXPECT_EQ(told(),
            "06-01 02:00:00 coverage press firing since 06-01 02:00:00 0/90\n"
            "06-01 05:00:00 coverage press resolved since 06-01 02:00:00 100/90 #1\n");
  restart();
  for (const char* hour : {"01", "02", "03"}) {
    for (const char* quarter : {":00:00", ":15:00", ":30:00", ":45:00"}) {
      if (std::string_view(hour) != "03" || std::string_view(quarter) < ":30:00")
        cover(std::string(hour) + quarter, 15min);
    }
    restart();
  }
  EXPECT_TRUE(told().ends_with("withdrawn since 06-01 04:00:00 100/90 #2 late-data\n"));
}

// Nothing is heard that would close the day, which was judged when it could no longer be watched.
TEST_F(CorrectedCoverage, OfAPeriodThatIsStillOpenIsJudgedAgainIfItWasJudged) {
  site_.site.alert_rules.front().period = Period::day;
  site_.site.alert_rules.front().below = 80;
  start();
  watch_from(0, 3 * 60);
  watch_from(6 * 60, 20 * 60);
  EXPECT_EQ(told(), "");
  day_ = "2023-06-02 ";
  pass("02:01:00");
  EXPECT_EQ(told(), "06-02 00:00:00 coverage press firing since 06-02 00:00:00 70.833333/80\n");
  restart();
  day_ = "2023-06-01 ";
  for (const char* hour : {"03", "04", "05"}) {
    for (const char* quarter : {":00:00", ":15:00", ":30:00", ":45:00"}) cover(std::string(hour) + quarter, 15min);
  }
  EXPECT_EQ(told(), "06-02 00:00:00 coverage press withdrawn since 06-02 00:00:00 80.208333/80 #1 late-data\n");
  restart();
  day_ = "2023-06-02 ";
  watch_from(180, 195);  // the day is closed at last
  EXPECT_EQ(told(), "");
}

TEST_F(CorrectedAlerts, OfIntensityKnowTheProductToo) {
  PointLimits limits;
  limits.gap_max = 2h;
  const PointId line = site_.add_point("steel", Kind::cumulative, "t", limits);
  const model::AccountId product = site_.add_account(line, "product");
  site_.site.accounts.back().factor.reset();
  site_.site.accounts.back().flow = model::Flow::produced;
  auto& intensity = rule("intensity", Measure::intensity);
  intensity.period = Period::hour;
  intensity.above = 0.5;
  watch_user("press", {account_}).per = {product};
  start();
  for (int hour = 0; hour <= 4; ++hour) {
    read_at(meter_, utc(day_ + "00:00:00") + 1h * hour, 400.0 * hour);
    read_at(line, utc(day_ + "00:00:00") + 1h * hour, 1.0 * hour);
  }
  EXPECT_EQ(told(), "");
  correct(product, utc(day_ + "01:30:00"), -500);  // kg
  EXPECT_EQ(told(),
            "06-01 02:00:00 intensity press firing since 06-01 02:00:00 0.8/0.5 late-data\n"
            "06-01 03:00:00 intensity press resolved since 06-01 02:00:00 0.4/0.5 #1 late-data\n");
  correct("01:30:00", -200);
  EXPECT_EQ(told(), "06-01 03:00:00 intensity press withdrawn since 06-01 02:00:00 0.4/0.5 #2 late-data\n");
}

TEST_F(CorrectedAlerts, OfADeviationAreJudgedByTheWeeksBeforeAsTheyAreNow) {
  auto& deviation = rule("deviation", Measure::deviation);
  deviation.weeks = 2;
  deviation.above = 30;
  deviation.below = -30;
  watch_user("press", {account_}).unit = "%";
  start();
  double value = 0;
  for (const char* day : {"2023-06-01 ", "2023-06-08 ", "2023-06-15 "}) {
    day_ = day;
    read(meter_, "10:00:00", value);
    read(meter_, "11:00:00", value += 100);
    read(meter_, "12:00:01", value);
  }
  EXPECT_EQ(told(), "");
  day_ = "2023-06-01 ";
  correct("10:15:00", -60);
  const std::string lines = told();
  EXPECT_TRUE(lines.starts_with("06-15 11:00:00 deviation press firing since 06-15 11:00:00 42.857143/30 late-data\n"))
      << lines;
  correct("10:15:00", 60);
  EXPECT_NE(told().find("deviation press withdrawn since 06-15 11:00:00 0/30"), std::string::npos);
}

TEST_F(CorrectedAlerts, OfHoursOfWhichNothingWasHeardAreRaised) {
  window(40);
  start();
  quarters({10, 10, 10, 10});
  day_ = "2023-06-02 ";
  read(meter_, "12:00:00", 40);
  read(meter_, "12:15:00", 50);
  read(meter_, "12:30:00", 60);
  EXPECT_EQ(told(), "");
  correct("06:00:00", 45);
  EXPECT_EQ(told(),
            "06-02 06:15:00 window press firing since 06-02 06:15:00 45/40 late-data\n"
            "06-02 12:00:00 window press resolved since 06-02 06:15:00 0/40 #1 late-data\n");
}

TEST_F(CorrectedAlerts, OfAPaceCompareSumsAndTimesThatBelongTogether) {
  auto& pace = rule("pace", Measure::quota_pace);
  pace.period = Period::day;
  pace.quota = 240'000'000;  // 10 kW
  pace.above = 110;
  pace.at_least = 5;
  watch_user("press", {account_}).unit = "%";
  start();
  read(meter_, "00:00:00", 0);
  for (int hour = 1; hour <= 20; ++hour)
    read_at(meter_, utc(day_ + "00:00:00") + 1h * hour, (hour == 4 ? 2.0 : 0.0) + 10.0 * hour);
  EXPECT_EQ(told(), "");
  correct("02:00:00", 5);
  EXPECT_EQ(told(), "") << "205 kWh in 20 hours, not in two";
  correct("02:00:00", 20);
  EXPECT_EQ(told(), "06-01 20:00:00 pace press firing since 06-01 20:00:00 112.5/110 late-data\n");
  correct("02:00:00", -20);
  EXPECT_EQ(told(), "06-01 20:00:00 pace press withdrawn since 06-01 20:00:00 102.5/110 #1 late-data\n");
}

TEST_F(CorrectedAlerts, OfThePaceOfADayThatIsOverAreHeldAgainstTheSumWhenTheyBegan) {
  auto& pace = rule("pace", Measure::quota_pace);
  pace.period = Period::day;
  pace.quota = 240'000'000;
  pace.above = 110;
  pace.at_least = 5;
  watch_user("press", {account_}).unit = "%";
  start();
  read(meter_, "00:00:00", 0);
  read(meter_, "01:00:00", 10);
  read(meter_, "02:00:00", 24);
  read(meter_, "03:00:00", 30);
  day_ = "2023-06-02 ";
  read(meter_, "00:00:01", 31);
  EXPECT_EQ(told(),
            "06-01 02:00:00 pace press firing since 06-01 02:00:00 120/110\n"
            "06-01 03:00:00 pace press resolved since 06-01 02:00:00 100/110 #1\n");
  restart();
  day_ = "2023-06-01 ";
  correct("02:30:00", -5);
  EXPECT_EQ(told(), "") << "that was later";
  correct("00:30:00", -1);
  EXPECT_EQ(told(), "") << "115 percent";
  correct("00:30:00", -2);
  EXPECT_EQ(told(), "06-02 00:00:00 pace press withdrawn since 06-01 02:00:00 105/110 #2 late-data\n");
}

// Whatever was counted first: once it is corrected, the alerts that stand are those of right figures from the start.
class AnyCorrections : public CorrectedAlerts, public ::testing::WithParamInterface<unsigned> {
 protected:
  // Which alerts stand, by when they began, and whether they fire still.
  std::map<Instant, bool> standing(const std::vector<model::JournalRow>& rows) {
    std::map<Instant, bool> result;
    for (const model::Alert& alert : only<model::Alert>(rows)) {
      if (alert.stage == model::AlertStage::withdrawn) {
        result.erase(alert.since);
      } else {
        result[alert.since] = model::is_active(alert.stage);
      }
    }
    return result;
  }
  std::vector<model::JournalRow> count(Pipeline& pipeline, const std::vector<double>& quarters) {
    double value = 0;
    Instant at = utc("2023-06-01 00:00");
    std::vector<Reading> readings{reading(meter_, at, value)};
    for (const double amount : quarters) readings.push_back(reading(meter_, at += 15min, value += amount));
    return feed(pipeline, readings);
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyCorrections, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(160))));

TEST_P(AnyCorrections, LeaveTheAlertsOfRightFigures) {
  std::mt19937_64 random(GetParam());
  const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(random() % n); };
  auto& sums = window(22);
  sums.length = 15min * (below(6) + 1);
  sums.above = 5.0 * static_cast<double>(sums.length / 15min) + 2;
  if (below(2) == 0) sums.clear_above = *sums.above - static_cast<double>(below(6));
  sums.hold_for = 15min * below(4);
  if (below(2) == 0) {
    sums.active =
        model::Active{.weekdays = 0x7f, .begin = 1min * below(600), .end = 12h + 1min * below(480), .dates = {}};
  }
  for (std::int64_t n = below(4); n > 0; --n) {
    const Instant from = utc("2023-06-01 00:00") + 1min * below(1200);
    site_.site.maintenance.push_back(
        {.from = from, .to = from + 1min * (1 + below(180)), .rules = {}, .devices = {}, .users = {}});
  }
  std::vector<double> right(80);
  for (double& amount : right) amount = static_cast<double>(below(11));
  std::vector<double> counted = right;
  std::map<std::size_t, std::int64_t> wrong;
  for (int n = 0; n < 12; ++n) {
    const auto i = static_cast<std::size_t>(below(right.size()));
    wrong[i] = below(11) - static_cast<std::int64_t>(right[i]);
    counted[i] = right[i] + static_cast<double>(wrong[i]);
  }
  Pipeline expected = site_.pipeline();
  const auto expected_rows = count(expected, right);
  pipeline_.emplace(site_.pipeline());
  auto rows = count(*pipeline_, counted);
  while (!wrong.empty()) {
    std::vector<model::Amendment> amendments;
    for (std::int64_t n = below(4) + 1; n > 0 && !wrong.empty(); --n) {
      const auto one = std::next(wrong.begin(), below(wrong.size()));
      model::Amendment amendment;
      amendment.account = account_;
      model::EmissionEntry& entry = amendment.correction;
      entry.begin = utc("2023-06-01 00:00") + 15min * static_cast<std::int64_t>(one->first);
      entry.end = entry.begin + 15min;
      entry.amount = model::Activity::of(-one->second * 1'000'000);
      entry.revision = 1;
      entry.correction = model::Correction{model::Cause::late_data, "", entry.end};
      amendments.push_back(amendment);
      wrong.erase(one);
    }
    const auto more = pipeline_->correct(amendments, {}, {}).rows;
    rows.insert(rows.end(), more.begin(), more.end());
    if (below(2) == 0) restart();
  }
  EXPECT_EQ(standing(rows), standing(expected_rows));
  std::map<std::string, std::uint32_t> revisions;
  for (const model::Alert& alert : only<model::Alert>(rows)) {
    EXPECT_EQ(alert.revision, revisions[alert.id]++) << alert.id;
    EXPECT_GE(alert.at, alert.since);
  }
}

TEST_F(CorrectedAlerts, OfADeviationAreJudgedOnlyWhereAllWeeksAreKept) {
  auto& deviation = rule("deviation", Measure::deviation);
  deviation.weeks = 3;
  deviation.above = 40;
  deviation.below = -40;
  watch_user("press", {account_}).unit = "%";
  start();
  const Instant begin = utc("2023-06-01 00:00");
  for (int hour = 0; hour <= 50 * 24; ++hour) read_at(meter_, begin + 1h * hour, 100.0 * hour);
  EXPECT_EQ(told(), "");
  correct(account_, begin + 24h * 35, -90);  // 15 days ago
  EXPECT_EQ(told(),
            "07-20 01:00:00 deviation press firing since 07-20 01:00:00 42.857143/40 late-data\n"
            "07-20 02:00:00 deviation press resolved since 07-20 01:00:00 0/40 #1 late-data\n")
      << "a week before that the first of the three weeks is forgotten";
}

TEST_F(CorrectedAlerts, OfAWindowAreNotRaisedByWhatIsLeftOfIt) {
  window(40).below = 38;
  start();
  quarters(std::vector<double>(200, 10));
  EXPECT_EQ(told(), "");
  correct(account_, utc(day_ + "00:00:00") + 24h + 90min, 1);
  EXPECT_EQ(told(),
            "06-02 02:00:00 window press firing since 06-02 02:00:00 41/40 late-data\n"
            "06-02 02:45:00 window press resolved since 06-02 02:00:00 40/40 #1 late-data\n")
      << "what is left of those before is no window";
}

// What a correction raises is dated when the sum, as it is known now, was that much.
TEST_F(CorrectedAlerts, OfASumBeginWhenItWasThatMuch) {
  auto& energy = rule("energy", Measure::period);
  energy.period = Period::day;
  energy.above = 100;
  watch_user("press", {account_}).unit = "kWh";
  rule("total", Measure::total).above = 130;
  watch_user("press", {account_}).unit = "kWh";
  start();
  read(meter_, "00:00:00", 0);
  read(meter_, "00:45:00", 60);
  read(meter_, "00:57:14", 85);
  correct("00:30:00", 30);
  EXPECT_EQ(told(), "06-01 00:57:14 energy press firing since 06-01 00:57:14 115/100 late-data\n") << "90 at 00:45";
  correct("00:15:00", 20);
  EXPECT_EQ(told(), "06-01 00:57:14 total press firing since 06-01 00:57:14 135/130 late-data\n");
  correct("00:15:00", -40);
  EXPECT_EQ(told(),
            "06-01 00:57:14 energy press withdrawn since 06-01 00:57:14 95/100 #1 late-data\n"
            "06-01 00:57:14 total press withdrawn since 06-01 00:57:14 95/130 #1 late-data\n");
  read(meter_, "01:10:00", 90);
  correct("00:30:00", 70);
  const std::string lines = told();
  EXPECT_TRUE(lines.starts_with("06-01 01:00:00 energy press firing since 06-01 01:00:00 166.08")) << lines;
  EXPECT_NE(lines.find("06-01 01:00:00 total press firing since 06-01 01:00:00 166.08"), std::string::npos) << lines;
}

}  // namespace
}  // namespace carbongate::pipeline

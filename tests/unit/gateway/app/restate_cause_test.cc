// Why an entry was corrected, as the correction says.
#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/app/repairs.h"
#include "tests/unit/gateway/app/books_fixture.h"

namespace carbongate::app {
namespace {

using model::Cause;

// A register in kWh that counts one a minute for two hours, then shows nothing but 0 for four.
std::vector<Reading> unreadable_after_two_hours(PointId point) {
  std::vector<Reading> readings;
  for (int minute = 0; minute <= 360; ++minute) {
    readings.push_back({.point = point, .at = kMarch + minute * 1min, .value = minute <= 110 ? 1000.0 + minute : 0.0});
  }
  return readings;
}

class CauseTest : public ::testing::Test {
 protected:
  CauseTest() {
    site_.add("press", Kind::cumulative, "kWh");
    site_.site.points[0].limits.interval = 1min;
    site_.site.points[0].limits.power_max_w = 100e3;
  }

  // The number of corrections of each cause; of all that have one.
  static std::map<Cause, int> causes(const StoredBooks& books) {
    std::map<Cause, int> count;
    for (const auto& [key, revisions] : books.entries()) {
      for (const model::EmissionEntry& entry : revisions) {
        if (entry.correction) ++count[entry.correction->cause];
      }
    }
    return count;
  }
  // Those of [from, until) come last.
  static void hear_late(StoredBooks& books, const std::vector<Reading>& readings, Duration from, Duration until) {
    for (const bool late : {false, true}) {
      std::vector<Reading> part;
      for (const Reading& reading : readings) {
        const bool is_late = reading.at >= kMarch + from && reading.at < kMarch + until;
        if (is_late == late) part.push_back(reading);
      }
      books.hear(part);
    }
  }

  BooksSite site_;
};

TEST_F(CauseTest, IsLateDataAlsoWhereACertificateWasBookedSince) {
  StoredBooks books(site_);
  hear_late(books, counter(PointId{0}, 0h, 6h, 0, 1), 2h, 3h);
  std::vector<model::Amendment> certificates;
  for (const auto& [key, revisions] : books.entries()) {
    model::EmissionEntry part;
    part.begin = revisions.front().begin;
    part.end = revisions.front().end;
    part.covered = revisions.front().covered;
    part.quality = revisions.front().quality;
    part.market.emplace().emitted.co2e = model::Co2e::of(-1);
    part.revision = 1;
    part.correction = model::Correction{.cause = Cause::certificate, .note = "G1", .booked_at = books.now()};
    certificates.push_back({.account = model::AccountId{0}, .correction = part, .covered_before = part.covered});
  }
  books.book(certificates);
  EXPECT_GT(books.recompute_all(), 0u);
  auto count = causes(books);
  EXPECT_GT(count[Cause::late_data], 0);
  EXPECT_EQ(count[Cause::configuration], 0);
}

TEST_F(CauseTest, IsLateDataAsFarAsItMovesWhatACounterHadDecided) {
  StoredBooks books(site_);
  hear_late(books, unreadable_after_two_hours(PointId{0}), 50min, 111min);
  EXPECT_GT(books.recompute_all(), 0u);
  auto count = causes(books);
  EXPECT_GT(count[Cause::late_data], 5) << "the counter is given up an hour after it was read last";
  EXPECT_EQ(count[Cause::configuration], 0);
}

TEST_F(CauseTest, IsNoFactorWhereAllFactorsAreTheSame) {
  StoredBooks books(site_);
  hear_late(books, unreadable_after_two_hours(PointId{0}), 0min, 111min);
  EXPECT_GT(books.recompute_all(), 0u);
  auto count = causes(books);
  EXPECT_GT(count[Cause::late_data], 0);
  EXPECT_EQ(count[Cause::factor], 0);
  EXPECT_EQ(count[Cause::configuration], 0);
}

TEST_F(CauseTest, IsLateDataWhereMoreWasHeardWhileTheFirstWasComputed) {
  StoredBooks books(site_);
  std::vector<Reading> all = counter(PointId{0}, 0h, 6h, 0, 1);
  std::vector<Reading> late;
  std::vector<Reading> later;
  std::erase_if(all, [&](const Reading& reading) {
    const Duration after = reading.at - kMarch;
    if (after < 2h || after >= 2h + 30min) return false;
    (after < 2h + 10min ? late : later).push_back(reading);
    return true;
  });
  books.hear(all);
  books.hear(late);
  EXPECT_GT(books.recompute_all(later), 0u);
  EXPECT_GT(books.recompute_all(), 0u);
  auto count = causes(books);
  EXPECT_GT(count[Cause::late_data], 1);
  EXPECT_EQ(count.size(), 1u);
}

TEST_F(CauseTest, IsTheFactorWhereOnlyThatDiffers) {
  StoredBooks books(site_);
  books.hear(counter(PointId{0}, 0h, 6h, 0, 1));
  site_.site.accounts[0].factor = model::FactorChoice{"cn-grid", "CN", "average"};
  EXPECT_GT(books.recompute_all(), 0u);
  auto count = causes(books);
  EXPECT_GT(count[Cause::factor], 0);
  EXPECT_EQ(count.size(), 1u);
}

TEST_F(CauseTest, IsLateDataWithTheFactorNamedBesideItWhereBothDiffer) {
  StoredBooks books(site_);
  hear_late(books, counter(PointId{0}, 0h, 6h, 0, 1), 2h, 3h);
  site_.site.accounts[0].factor = model::FactorChoice{"cn-grid", "CN", "average"};
  EXPECT_GT(books.recompute_all(), 0u);
  int both = 0;
  for (const auto& [key, revisions] : books.entries()) {
    const model::EmissionEntry& entry = revisions.back();
    if (!entry.correction) continue;
    const std::string& note = entry.correction->note;
    EXPECT_NE(note.find("cn-grid/CN-SC/average/"), std::string::npos) << note;
    EXPECT_NE(note.find(" -> cn-grid/CN/average/"), std::string::npos) << note;
    if (entry.correction->cause != Cause::late_data) continue;
    const bool was_booked = revisions.size() > 1;
    if (was_booked) EXPECT_TRUE(note.starts_with("late readings of meter.press; and another factor: ")) << note;
    both += was_booked;
  }
  EXPECT_GT(both, 0);
}

// What is late, and by which rule: a quarter hour that was published from readings in time.
TEST_F(CauseTest, OfLateDataMakesAnEntryLateAndAFactorAloneKeepsItsQuality) {
  StoredBooks books(site_);
  hear_late(books, counter(PointId{0}, 0h, 6h, 0, 1), 2h, 3h);
  EXPECT_GT(books.recompute_all(), 0u);
  constexpr model::Quality kLate{model::Origin::late, model::Rule::out_of_order};
  int late = 0;
  for (const auto& [key, revisions] : books.entries()) {
    if (!revisions.back().correction) continue;
    ++late;
    EXPECT_EQ(revisions.back().quality, kLate) << (key.second - kMarch) / 1min;
  }
  EXPECT_GE(late, 4);
  EXPECT_EQ(books.rollup("press", model::Period::day, kMarch).quality, kLate);
  EXPECT_EQ(books.recompute_all(), 0u) << "late or not is no difference by itself";

  site_.site.accounts[0].factor = model::FactorChoice{"cn-grid", "CN", "average"};
  EXPECT_GT(books.recompute_all(), 0u);
  for (const auto& [key, revisions] : books.entries()) {
    const bool is_late = key.second >= kMarch + 2h && key.second < kMarch + 3h;
    const bool is_far = key.second < kMarch + 1h || key.second >= kMarch + 4h;
    if (is_late) EXPECT_EQ(revisions.back().quality, kLate) << (key.second - kMarch) / 1min;
    if (is_far) EXPECT_EQ(revisions.back().quality, model::Quality{}) << (key.second - kMarch) / 1min;
  }
}

TEST_F(CauseTest, IsTheConfigurationFarFromLateReadings) {
  StoredBooks books(site_);
  hear_late(books, counter(PointId{0}, 0h, 24h, 0, 1), 2h, 2h + 10min);
  EXPECT_GT(books.recompute_all(), 0u);
  site_.site.points[0].limits.max = 250;  // the meter is believed less from now on
  EXPECT_GT(books.recompute_all(), 0u);
  for (const auto& [key, revisions] : books.entries()) {
    for (const model::EmissionEntry& entry : revisions) {
      if (!entry.correction) continue;
      const bool is_near = entry.begin < kMarch + 4h;
      EXPECT_EQ(entry.correction->cause, is_near ? Cause::late_data : Cause::configuration);
    }
  }
}

// One more between it and the one before, in which a quarter hour ends.
Reading across_a_quarter_hour(Reading reading, Duration before, double kwh_before) {
  reading.at -= before;
  reading.value -= kwh_before;
  return reading;
}

// What the others alone give by it waits, whatever comes late.
TEST_F(CauseTest, IsTheConfigurationAlsoAroundALateReadingWhereTheOthersGiveSomethingElse) {
  for (const bool with_another_user : {false, true}) {
    StoredBooks books(site_);
    std::vector<Reading> readings = counter(PointId{0}, 2min, 8h, 0, 1);
    const Reading late = across_a_quarter_hour(readings[48], 3min, 0.4);
    books.hear(readings);
    if (with_another_user) {
      model::Account hall = site_.site.accounts[0];
      hall.id = model::AccountId{1};
      hall.user = hall.user_name = "hall";
      site_.site.accounts.push_back(hall);
    } else {
      site_.site.points[0].history.ratios.push_back({.numerator = 2});
    }
    books.reopen();
    books.hear(std::span(&late, 1));
    EXPECT_GT(books.recompute_all(), 20u);
    auto count = causes(books);
    EXPECT_EQ(count[Cause::late_data], with_another_user ? 2 : 0);
    EXPECT_GT(count[Cause::configuration], 20);
    site_.site.points[0].history.ratios.clear();
    site_.site.accounts.resize(1);
  }
}

TEST_F(CauseTest, IsLateDataOnceAnotherConfigurationIsBooked) {
  StoredBooks books(site_);
  std::vector<Reading> readings = counter(PointId{0}, 2min, 8h, 0, 1);
  books.hear(readings);
  site_.site.points[0].history.ratios.push_back({.numerator = 2});
  books.reopen();
  EXPECT_GT(books.recompute_all(), 20u);
  EXPECT_EQ(causes(books).size(), 1u);
  for (const Reading& late :
       {across_a_quarter_hour(readings[48], 3min, 0.4), across_a_quarter_hour(readings[60], 3min, 0.4),
        across_a_quarter_hour(readings[48], 2min, 0.3)}) {
    books.hear(std::span(&late, 1));
    EXPECT_EQ(books.recompute_all(), 2u);
  }
  EXPECT_EQ(causes(books)[Cause::late_data], 6);
}

// Each quarter hour by itself: what is believed less from now on begins in the third hour.
TEST_F(CauseTest, IsLateDataWhereTheOthersGiveWhatIsBooked) {
  StoredBooks books(site_);
  std::vector<Reading> late;
  std::vector<Reading> readings = counter(PointId{0}, 2min, 8h, 0, 1);
  late.push_back(across_a_quarter_hour(readings[12], 3min, 0.4));
  books.hear(readings);
  site_.site.points[0].limits.max = 30;
  books.reopen();
  books.hear(late);
  EXPECT_GT(books.recompute_all(), 10u);
  for (const auto& [key, revisions] : books.entries()) {
    const auto& correction = revisions.back().correction;
    const bool is_late = key.second == kMarch + 45min || key.second == kMarch + 60min;
    if (is_late) ASSERT_TRUE(correction);
    if (correction) EXPECT_EQ(correction->cause, is_late ? Cause::late_data : Cause::configuration);
  }
}

class Repaired : public CauseTest {
 protected:
  // A counter and a rate, which show a tenth; of three in the afternoon nothing is heard in time.
  Repaired() {
    site_.add("oven", Kind::instantaneous, "kW");
    for (const PointId point : {PointId{0}, PointId{1}}) {
      site_.site.points[index(point)].limits.interval = 5min;
      Repair& repair = repairs_.emplace_back();
      repair.point = point;
      repair.from = kMarch;
      repair.scale = 10;
      repair.reason = "CT ratio";
    }
    for (Duration at{}; at < 6h; at += 5min) {
      const bool is_late = at >= 3h && at < 4h;
      const double kwh = static_cast<double>(at / 5min) + (is_late ? 0.5 : 0.0);
      (is_late ? late_ : heard_).push_back({.point = PointId{0}, .at = kMarch + at, .value = kwh});
      (is_late ? late_ : heard_).push_back({.point = PointId{1}, .at = kMarch + at, .value = 10});
    }
  }

  std::vector<Repair> repairs_;
  std::vector<Reading> heard_;
  std::vector<Reading> late_;
};

TEST_F(Repaired, AndBookedWhatComesLateIsLateData) {
  StoredBooks books(site_);
  books.hear(heard_);
  EXPECT_GT(books.recompute_all({}, repairs_), 0u);
  const auto repaired = causes(books);
  EXPECT_EQ(repaired.size(), 1u);
  books.hear(late_);
  EXPECT_GT(books.recompute_all({}, repairs_), 0u);
  auto count = causes(books);
  EXPECT_EQ(count[Cause::configuration], repaired.at(Cause::configuration));
  EXPECT_GE(count[Cause::late_data], 4 + 4);
  EXPECT_EQ(books.recompute_all({}, repairs_), 0u);
  repairs_[0].scale = repairs_[1].scale = 11;
  EXPECT_GT(books.recompute_all({}, repairs_), 0u);
  EXPECT_GE(causes(books)[Cause::configuration], 2 * 8 + count[Cause::configuration])
      << "of two hours before the late ones";
}

TEST_F(Repaired, AndNotBookedItWaitsForAPerson) {
  StoredBooks books(site_);
  books.hear(heard_);
  books.hear(late_);
  EXPECT_GT(books.recompute_all({}, repairs_), 0u);
  for (const auto& [key, revisions] : books.entries()) {
    const auto& newest = revisions.back();
    ASSERT_TRUE(newest.correction) << (key.second - kMarch) / 15min;
    const bool was_new = revisions.size() == 1;
    EXPECT_EQ(newest.correction->cause, was_new ? Cause::late_data : Cause::configuration);
    EXPECT_EQ(was_new, key.first == "oven" && key.second >= kMarch + 3h && key.second < kMarch + 4h);
  }
  EXPECT_EQ(books.recompute_all({}, repairs_), 0u);
}

TEST(Flags, StayWithReadingsThatComeLate) {
  BooksSite site;
  site.add("stack", Kind::instantaneous, "kW");
  std::vector<Reading> readings;
  for (Duration time{}; time < 3h; time += 1min) {
    readings.push_back({.point = {}, .hj212_flag = 'F', .at = kMarch + time, .value = 0});
  }
  StoredBooks in_order(site);
  in_order.hear(readings);
  std::ranges::reverse(readings.begin() + 1, readings.end() - 30);
  StoredBooks shuffled(site);
  shuffled.hear(readings);
  shuffled.recompute_all();
  const auto expected = in_order.entries();
  const auto found = shuffled.entries();
  ASSERT_GT(expected.size(), 8u);
  for (const auto& [key, revisions] : expected) {
    EXPECT_EQ(revisions.back().quality, (model::Quality{model::Origin::measured, model::Rule::stopped}));
    ASSERT_TRUE(found.contains(key));
    const model::EmissionEntry& entry = found.at(key).back();
    EXPECT_EQ(entry.quality.rule, model::Rule::stopped) << (key.second - kMarch) / 1min;
    EXPECT_EQ(entry.quality.origin, entry.correction ? model::Origin::late : model::Origin::measured);
  }
}

}  // namespace
}  // namespace carbongate::app

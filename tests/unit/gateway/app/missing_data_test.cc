// What the running gateway does with hours without data: the real one, over a real store.
#include "gateway/store/history.h"
#include "tests/unit/gateway/app/gateway_on_disk.h"

namespace carbongate::app {
namespace {

using model::SubstitutionMethod;

constexpr std::int64_t kHourAt100Kw = 100'000'000;

class MissingData : public GatewayOnDisk {
 protected:
  PointId add_stack(const std::string& user, SubstitutionMethod method) {
    const PointId point = add_point(user + "_power", Kind::instantaneous, "kW");
    site_.points.back().limits.interval = 5min;
    model::Account account;
    account.id = static_cast<model::AccountId>(site_.accounts.size());
    account.user = user;
    account.carrier = model::find_carrier("electricity");
    account.source = point;
    account.substitution = method;
    site_.accounts.push_back(std::move(account));
    return point;
  }

  // 100 kW, every five minutes of [from, until).
  void hear(PointId point, Duration from, Duration until) {
    Batch batch{.source = "scripted", .received = clock_.now(), .readings = {}, .settled = {}};
    for (Duration at = from; at < until; at += 5min) {
      batch.readings.push_back({.point = point, .at = kMarch + at, .value = 100});
    }
    to_send_.push_back(std::move(batch));
  }

  // What is known of an hour.
  std::int64_t hour(const std::string& user, Duration begin) const {
    std::int64_t sum = 0;
    const auto history = store::History::open(directory_.path() / "store");
    EXPECT_TRUE(history.has_value());
    const store::History::Range range{kMarch + begin, kMarch + begin + 1h};
    const auto read = (*history)->each(store::History::What::entries, range, [&](const model::StoredRow& row) {
      if (row.series->user == user) sum += row.body.get<model::EmissionEntry>().amount.quanta();
      return true;
    });
    EXPECT_TRUE(read.has_value());
    return sum;
  }
};

TEST_F(MissingData, OfAStackThatWasSilentWhileAnotherWentOnIsFilledWhenItSpeaksAgain) {
  constexpr Duration kSilent = 24h * 14;
  constexpr Duration kBack = kSilent + 24h * 9;
  const PointId a = add_stack("a", SubstitutionMethod::same_weekday);
  const PointId b = add_stack("b", SubstitutionMethod::same_weekday);
  start_on_disk();
  hear(b, 0h, kSilent + 5min);
  hear(a, 0h, kBack - 10h);
  hear(a, kBack - 8h, kBack - 1h);
  ASSERT_TRUE(corrected(8)) << "the hours of a were not looked at";
  EXPECT_EQ(hour("b", kSilent + 1h), 0) << "it is not closed yet";
  hear(a, kBack - 1h, kBack + 2h);
  hear(b, kBack, kBack + 2h);
  EXPECT_TRUE(corrected(8 + 9 * 24 * 4));
  EXPECT_TRUE(until([&] { return hour("b", kBack - 1h) == kHourAt100Kw; }));
  for (Duration at = kSilent; at < kBack; at += 1h) EXPECT_EQ(hour("b", at), kHourAt100Kw) << at / 1h;
}

TEST_F(MissingData, OfAnHourOfWhichAFewMinutesComeLateIsFilledAgain) {
  const PointId stack = add_stack("stack", SubstitutionMethod::hj75);
  start_on_disk();
  hear(stack, 0h, 48h + 5min);
  hear(stack, 51h, 60h);
  ASSERT_TRUE(corrected(12));
  EXPECT_EQ(hour("stack", 49h), kHourAt100Kw);
  hear(stack, 49h + 5min, 49h + 20min);
  ASSERT_TRUE(corrected(13)) << "of the late data";
  EXPECT_TRUE(until([&] { return hour("stack", 49h) == kHourAt100Kw; })) << hour("stack", 49h);
  for (const Duration at : {48h, 49h, 50h}) EXPECT_EQ(hour("stack", at), kHourAt100Kw) << at / 1h;
}

// The correction takes the substitute back, and what the hour still lacks is booked by the next start.
TEST_F(MissingData, IsFilledAgainThoughTheGatewayIsStoppedBehindTheCorrection) {
  const PointId stack = add_stack("stack", SubstitutionMethod::hj75);
  start_on_disk();
  hear(stack, 0h, 48h + 5min);
  hear(stack, 51h, 24h * 14);
  ASSERT_TRUE(corrected(12));
  gateway_->observe([&](const model::Effects& effects) {
    for (const model::JournalRow& row : effects.rows) {
      const auto* entry = row.body.get_if<model::EmissionEntry>();
      if (entry != nullptr && entry->correction && entry->correction->cause == model::Cause::late_data)
        gateway_->stop();
    }
  });
  hear(stack, 49h + 5min, 49h + 20min);
  ASSERT_TRUE(until([&] { return ended_.has_value(); }));
  ASSERT_LT(hour("stack", 49h), kHourAt100Kw);
  gateway_.reset();
  ended_.reset();
  config_ = {};
  start_on_disk();
  EXPECT_TRUE(until([&] { return hour("stack", 49h) == kHourAt100Kw; })) << hour("stack", 49h);
}

// Of a gap that was filled long before the quarter of the year was over.
TEST_F(MissingData, IsFilledAgainByTheQuarterOnceThatIsOver) {
  const PointId stack = add_stack("stack", SubstitutionMethod::hj75);
  start_on_disk();
  hear(stack, 0h, 24h);
  Batch peak{.source = "scripted", .received = clock_.now(), .readings = {}, .settled = {}};
  for (Duration at = 24h; at < 25h; at += 5min) {
    peak.readings.push_back({.point = stack, .at = kMarch + at, .value = 200});
  }
  to_send_.push_back(std::move(peak));
  hear(stack, 25h, 24h * 10);
  hear(stack, 24h * 10 + 3h, 24h * 11);
  ASSERT_TRUE(corrected(12));
  EXPECT_LT(hour("stack", 24h * 10 + 1h), 110'000'000);
  hear(stack, 24h * 16, 24h * 31 + 3h);
  EXPECT_TRUE(until([&] { return hour("stack", 24h * 10 + 1h) > 190'000'000; }))
      << "of the month 621 of 744 hours are valid";
}

// More than is held at once: what is left is found by the next pass.
TEST_F(MissingData, OfManyStacksOverWeeksIsFilledInSeveralPasses) {
  constexpr Duration kSilent = 24h * 45;
  std::vector<PointId> stacks;
  for (const char* name : {"a", "b", "c", "d", "e"})
    stacks.push_back(add_stack(name, SubstitutionMethod::same_weekday));
  start_on_disk();
  for (const PointId stack : stacks) {
    hear(stack, 0h, 24h * 7 + 5min);
    hear(stack, 24h * 7 + kSilent, 24h * 7 + kSilent + 2h);
  }
  ASSERT_TRUE(corrected(5 * 45 * 24 * 4));
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    for (Duration at = 24h * 7 + 1h; at < 24h * 7 + kSilent; at += 24h)
      EXPECT_EQ(hour(name, at), kHourAt100Kw) << at / 1h;
  }
}

}  // namespace
}  // namespace carbongate::app

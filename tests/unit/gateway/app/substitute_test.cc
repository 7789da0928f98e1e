// Substitutes against a real store: exact, beside the original, and gone when data come.
#include "gateway/app/substitute.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>
#include <utility>

#include "tests/support/rounds.h"
#include "tests/unit/gateway/app/books_fixture.h"

namespace carbongate::app {
namespace {

using model::Activity;
using model::Cause;
using model::EmissionEntry;

constexpr std::int64_t kKilowattHour = 1'000'000;

class Substituting : public ::testing::Test {
 protected:
  Substituting() {
    model::Account& account = site_.add("stack", Kind::instantaneous, "kW");
    account.substitution = model::SubstitutionMethod::hj75;
    site_.site.points[0].limits.interval = 5min;
    books_.emplace(site_);
  }

  // 40 kW, in the third hour of each day 60 kW, every five minutes.
  static std::vector<Reading> power(Duration from, Duration until) {
    std::vector<Reading> readings;
    for (Duration at = from; at < until; at += 5min) {
      const double kw = (at / 1h) % 24 == 3 ? 60 : 40;
      readings.push_back({.point = PointId{0}, .at = kMarch + at, .value = kw});
    }
    return readings;
  }
  void hear(Duration from, Duration until) { books_->hear(power(from, until)); }

  std::size_t substitute(Instant from = kMarch, Instant to = kMarch + 24h * 300, std::size_t at_once = 500'000) {
    return books_->run([&](KnownBooks& known, const TakeAmendments& take) {
      const SubstitutionRange range{.from = from,
                                    .to = to,
                                    .user = "",
                                    .closed_until = [&](PointId p) { return books_->pipeline().counted_until(p); },
                                    .quarters_at_once = at_once};
      auto refused = substitute_missing(known, site_.site, site_.factors, range, books_->now(), take);
      ASSERT_TRUE(refused.has_value()) << refused.error().text;
      refused_ = std::move(*refused);
    });
  }

  // What is known of an hour.
  std::int64_t hour(Duration begin) {
    std::int64_t sum = 0;
    for (const auto& [key, revisions] : books_->entries()) {
      if (key.second < kMarch + begin || key.second >= kMarch + begin + 1h) continue;
      for (const EmissionEntry& entry : revisions) sum += entry.amount.quanta();
    }
    return sum;
  }

  BooksSite site_;
  std::optional<StoredBooks> books_;
  std::vector<RefusedHours> refused_;
};

TEST_F(Substituting, GivesHoursWithoutDataTheGreatestBeforeThem) {
  hear(0h, 47h + 20min);
  hear(50h + 5min, 73h);
  // Of 47:00 the first quarter hour was watched; the first five minutes of 50:00 get the mean of the others.
  EXPECT_EQ(substitute(), 4u + 4 + 4 - 1 + 1);
  const std::int64_t greatest = hour(3h);
  EXPECT_GT(greatest, 55 * kKilowattHour);
  for (const Duration begin : {47h, 48h, 49h}) EXPECT_EQ(hour(begin), greatest) << begin / 1h;
  EXPECT_TRUE(refused_.empty());
  EXPECT_EQ(substitute(), 0u);
  EXPECT_EQ(substitute(kMarch + 48h + 10min, kMarch + 48h + 20min), 0u);
  EXPECT_EQ(books_->recompute_all(), 0u) << "it stands beside what is computed";
  EXPECT_EQ(substitute(), 0u);

  const auto entries = books_->entries();
  const auto& fresh = entries.at({"stack", kMarch + 48h + 30min});
  ASSERT_EQ(fresh.size(), 1u) << "never published: nothing else is there";
  EXPECT_EQ(fresh[0].revision, 1u);
  EXPECT_EQ(fresh[0].quality, (model::Quality{model::Origin::substituted, model::Rule::max_180h}));
  EXPECT_EQ(fresh[0].covered, Duration::zero());
  EXPECT_EQ(fresh[0].correction->cause, Cause::substitution);
  EXPECT_EQ(fresh[0].primary.factor_id, entries.at({"stack", kMarch})[0].primary.factor_id);
  EXPECT_GT(fresh[0].primary.emitted.co2e, model::Co2e{});
  EXPECT_EQ(fresh[0].primary.emitted.u95_activity, model::Co2e{}) << "no meter measured it";
  std::int64_t sum = 0;
  for (Duration at = 48h; at < 72h; at += 1h) sum += hour(at);
  const auto day = books_->rollup("stack", model::Period::day, kMarch + 48h);
  EXPECT_EQ(day.amount.quanta(), sum);
  EXPECT_EQ(day.covered, 21h + 55min) << "as watched";
}

TEST_F(Substituting, IsTakenBackWhenDataCome) {
  hear(0h, 48h);
  hear(50h, 60h);
  StoredBooks never(site_);
  never.hear(power(0h, 60h));
  EXPECT_GT(substitute(), 0u);
  books_->hear(power(48h, 50h));  // late
  EXPECT_GT(books_->recompute_all(), 0u);
  EXPECT_EQ(books_->recompute_all(), 0u) << "taken back once";
  EXPECT_EQ(substitute(), 0u);
  EXPECT_EQ(books_->recompute_all(), 0u);
  std::map<EntryKey, std::int64_t> known;
  for (const auto& [key, revisions] : books_->entries()) {
    for (const EmissionEntry& entry : revisions) known[key] += entry.amount.quanta();
  }
  for (const auto& [key, revisions] : never.entries()) EXPECT_EQ(known.at(key), revisions[0].amount.quanta());
  EXPECT_EQ(books_->pipeline().state().accounts[0].emissions[model::Basis::primary].total.co2e,
            never.pipeline().state().accounts[0].emissions[model::Basis::primary].total.co2e);
}

TEST_F(Substituting, OfAnHourOnlyPartlyFilledLaterGivesWhatStillLacks) {
  hear(0h, 48h);
  hear(50h, 60h);
  substitute();
  books_->hear(power(48h, 48h + 35min));
  EXPECT_GT(books_->recompute_all(), 0u);
  EXPECT_LT(hour(48h), hour(3h));
  EXPECT_GT(substitute(), 0u);
  EXPECT_EQ(hour(48h), hour(3h));
  EXPECT_EQ(substitute(), 0u);
  EXPECT_EQ(books_->recompute_all(), 0u);
}

TEST_F(Substituting, IsTakenBackWithTheRule) {
  hear(0h, 48h);
  hear(50h, 60h);
  const auto before = books_->pipeline().state().accounts[0].amount;
  substitute();
  site_.site.accounts[0].substitution = model::SubstitutionMethod::none;
  EXPECT_GT(substitute(), 0u);
  EXPECT_EQ(books_->pipeline().state().accounts[0].amount, before);
  EXPECT_EQ(hour(48h), 0);
  EXPECT_EQ(substitute(), 0u);
}

TEST_F(Substituting, RefusesWhereTooLittleIsValid) {
  hear(0h, 2h);
  hear(6h, 20h);
  EXPECT_EQ(substitute(), 1u) << "the mean of the second hour, for its last five minutes";
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].hours, 4u);
  EXPECT_EQ(refused_[0].first, kMarch + 2h);
  EXPECT_EQ(refused_[0].account, model::AccountId{0});
}

TEST_F(Substituting, IsJudgedAgainWhenTheQuarterOfTheYearIsOver) {
  hear(0h, 24h * 10);
  std::vector<Reading> peak = power(24h * 10, 24h * 10 + 1h);
  for (Reading& reading : peak) reading.value = 200;
  books_->hear(peak);
  hear(24h * 10 + 1h, 24h * 19);
  hear(24h * 19 + 3h, 24h * 24);
  EXPECT_EQ(substitute(), 13u);
  EXPECT_EQ(hour(24h * 19 + 1h), hour(24h * 18 + 3h)) << "the greatest of the last 180 hours";
  hear(24h * 29, 24h * 31 + 2h);
  EXPECT_GT(substitute(kMarch + 24h * 23), 24u * 5 * 4 - 1);
  EXPECT_EQ(substitute(kMarch + 24h * 19, kMarch + 24h * 20), 12u) << "of the month 621 of 744 hours are valid";
  EXPECT_GT(hour(24h * 10), hour(24h * 18 + 3h));
  EXPECT_EQ(hour(24h * 19 + 1h), hour(24h * 10)) << "the greatest of the last 2160 hours";
  EXPECT_EQ(substitute(), 0u);
  const auto revisions = books_->entries().at({"stack", kMarch + 24h * 19 + 1h});
  ASSERT_EQ(revisions.size(), 2u);
  EXPECT_EQ(revisions.back().quality.rule, model::Rule::max_2160h);
  EXPECT_EQ(revisions.back().correction->note,
            "max-2160h: the hour from 2026-03-11T00:00:00Z; a gap of 3 h, 83 % of the quarter's hours valid");
}

TEST_F(Substituting, IsTakenBackWhenTooLittleOfTheQuarterIsValid) {
  hear(0h, 24h * 10);
  hear(24h * 10 + 2h, 24h * 20);
  EXPECT_EQ(substitute(), 9u);
  hear(24h * 30, 24h * 31 + 1h);
  EXPECT_EQ(substitute(kMarch, kMarch + 24h * 20), 8u + 1) << "and what the last hour lacks, by its own mean";
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(hour(24h * 10), 0);
  const auto revisions = books_->entries().at({"stack", kMarch + 24h * 10});
  EXPECT_EQ(revisions.back().correction->note, "no substitute any more: too few valid hours");
}

// A stack's rate of 1000 kg/h, calibrated for a quarter of an hour less a minute each day.
TEST_F(Substituting, OfAValidHourLetsItsMeanStandForWhatItLacks) {
  site_.site.points[0].limits.interval = 1min;
  books_.emplace(site_);
  const auto is_calibrating = [](Duration at) { return at % 24h > 10h + 5min && at % 24h <= 10h + 19min; };
  std::vector<Reading> heard;
  for (Duration at = 0h; at <= 24h * 5; at += 1min) {
    const char flag = is_calibrating(at) ? 'C' : 'N';
    heard.push_back({.point = PointId{0}, .hj212_flag = flag, .at = kMarch + at, .value = 1'000});
  }
  books_->hear(heard);
  ASSERT_LT(hour(10h), 800 * kKilowattHour);
  EXPECT_EQ(substitute(), 5u * 2) << "two quarter hours a day";
  for (Duration at = 0h; at < 24h * 5; at += 1h) EXPECT_EQ(hour(at), 1'000 * kKilowattHour) << at / 1h;
  EXPECT_TRUE(refused_.empty());
  EXPECT_EQ(substitute(), 0u);
  EXPECT_EQ(books_->recompute_all(), 0u);
  const auto revisions = books_->entries().at({"stack", kMarch + 10h});
  ASSERT_EQ(revisions.size(), 2u);
  EXPECT_EQ(revisions[1].quality, (model::Quality{model::Origin::substituted, model::Rule::hour_mean}));
  EXPECT_EQ(revisions[1].covered, revisions[0].covered) << "as watched";
  site_.site.accounts[0].substitution = model::SubstitutionMethod::none;
  EXPECT_EQ(substitute(), 5u * 2);
  EXPECT_LT(hour(10h), 800 * kKilowattHour);
}

// Every fifth minute of the tenth hour is valid, of the twentieth four in five: both are integrated over what was
// rejected, and the one is no valid hour.
TEST_F(Substituting, OfAnHourThatIsValidForAFifthButNotOfRejectedMinutesInAValidOne) {
  site_.site.points[0].limits.interval = 1min;
  books_.emplace(site_);
  std::vector<Reading> heard;
  for (Duration at = 0h; at <= 48h; at += 1min) {
    const bool is_rejected = (at / 1h == 10 && at % 5min != 0min) || (at / 1h == 20 && at % 5min == 3min);
    heard.push_back({.point = PointId{0},
                     .hj212_flag = is_rejected ? 'D' : 'N',
                     .at = kMarch + at,
                     .value = at < 1h ? 1'200.0 : 1'000.0});
  }
  books_->hear(heard);
  EXPECT_EQ(hour(10h), 1'000 * kKilowattHour);
  EXPECT_EQ(books_->rollup("stack", model::Period::hour, kMarch + 10h).covered, 12min);
  EXPECT_EQ(books_->rollup("stack", model::Period::hour, kMarch + 10h).validity, model::Validity::invalid);
  EXPECT_EQ(books_->rollup("stack", model::Period::hour, kMarch + 20h).covered, 48min);
  EXPECT_EQ(books_->rollup("stack", model::Period::hour, kMarch + 20h).validity, model::Validity::valid);
  EXPECT_EQ(substitute(), 4u);
  EXPECT_EQ(hour(10h), hour(0h)) << "the greatest of those before";
  EXPECT_EQ(hour(20h), 1'000 * kKilowattHour);
  EXPECT_EQ(substitute(), 0u);
  EXPECT_EQ(books_->recompute_all(), 0u);
}

// A quarter hour of both: of rejected readings, over which the rate goes on, and of a gap.
TEST_F(Substituting, OfAValidHourTakesBridgedMinutesForKnownBesideAGapToo) {
  site_.site.points[0].limits.gap_max = 10min;
  books_.emplace(site_);
  std::vector<Reading> readings;
  for (Duration at = 0h; at < 5h; at += 5min) {
    if (at > 2h + 50min && at < 3h + 5min) continue;
    const bool is_flagged = at == 2h + 45min;
    readings.push_back({.point = PointId{0}, .at = kMarch + at, .value = is_flagged ? std::nan("") : 40.0});
  }
  books_->hear(readings);
  EXPECT_GT(substitute(), 0u);
  EXPECT_EQ(books_->entries().at({"stack", kMarch + 2h + 45min}).front().quality.rule, model::Rule::gap);
  EXPECT_EQ(hour(2h), 40 * kKilowattHour);
  EXPECT_EQ(hour(3h), 40 * kKilowattHour);
}

TEST_F(Substituting, TakesWhatAValidHourGotByItsMeanBackWhenDataCome) {
  site_.site.points[0].limits.gap_max = 6min;
  books_.emplace(site_);
  hear(0h, 10h + 35min);
  hear(10h + 45min, 20h);
  const std::int64_t before = hour(10h);
  EXPECT_GT(substitute(), 0u);
  EXPECT_GT(hour(10h), before);
  books_->hear(power(10h + 35min, 10h + 45min));
  EXPECT_GT(books_->recompute_all(), 0u);
  EXPECT_EQ(hour(10h), 40 * kKilowattHour);
  EXPECT_EQ(substitute(), 0u);
}

TEST_F(Substituting, LooksBackAtValidHoursAsTheirMeans) {
  site_.site.points[0].limits.gap_max = 6min;
  books_.emplace(site_);
  hear(4h, 27h + 5min);
  hear(27h + 15min, 48h);  // the one hour at 60 kW lacks a quarter
  hear(50h, 60h);
  substitute();
  EXPECT_GT(hour(27h), 55 * kKilowattHour);
  EXPECT_EQ(hour(48h), hour(27h));
}

TEST_F(Substituting, LeavesToACounterWhatItTellsItself) {
  site_.add("press", Kind::cumulative, "kWh").substitution = model::SubstitutionMethod::hj75;
  books_.emplace(site_);
  books_->hear(counter(PointId{1}, 0h, 48h, 0, 1));
  books_->hear(counter(PointId{1}, 50h, 60h, 1'000, 1));
  EXPECT_EQ(substitute(), 0u);
  EXPECT_TRUE(refused_.empty());
}

TEST_F(Substituting, OfAnotherFactorIsBookedByIt) {
  hear(0h, 48h);
  hear(50h, 60h);
  substitute();
  site_.site.accounts[0].factor = model::FactorChoice{"cn-grid", "CN", "residual"};
  StoredBooks* books = &*books_;
  EXPECT_GT(substitute(), 0u);
  EXPECT_EQ(substitute(), 0u);
  const auto revisions = books->entries().at({"stack", kMarch + 48h});
  ASSERT_EQ(revisions.size(), 2u);
  EXPECT_EQ(revisions[1].amount, Activity{});
  EXPECT_GT(revisions[1].primary.emitted.co2e, model::Co2e{});
}

// Each run knows only what it reads of the year before, and decides whether to.
TEST_F(Substituting, InPiecesGivesWhatItGivesAtOnce) {
  constexpr Duration kLength = 24h * (kSanitized ? 15 : 30);
  site_.add("stack-2", Kind::instantaneous, "kW").substitution = model::SubstitutionMethod::same_weekday;
  site_.site.points[1].limits.interval = 5min;
  std::mt19937_64 random(8);
  std::vector<Reading> heard;
  for (const PointId point : {PointId{0}, PointId{1}}) {
    for (Duration at = 0h; at < kLength;) {
      const Duration until = at + std::chrono::minutes(60 * 24 + random() % 10'000);
      for (; at < until; at += 5min) {
        heard.push_back({.point = point, .at = kMarch + at, .value = static_cast<double>(40 + random() % 20)});
      }
      at += std::chrono::minutes(5 * (random() % 500));
    }
  }
  books_.emplace(site_);
  books_->hear(heard);
  EXPECT_GT(substitute(), 100u);
  const auto expected = books_->entries();
  const auto expect_the_same = [&] {
    const auto found = books_->entries();
    ASSERT_EQ(found.size(), expected.size());
    for (const auto& [key, revisions] : expected) {
      ASSERT_TRUE(found.contains(key));
      ASSERT_EQ(found.at(key).size(), revisions.size()) << key.first << " " << (key.second - kMarch) / 15min;
      for (std::size_t i = 0; i < revisions.size(); ++i) EXPECT_EQ(found.at(key)[i].amount, revisions[i].amount);
    }
  };
  books_.emplace(site_);
  books_->hear(heard);
  for (Duration from = 0h; from < kLength;) {
    const Duration until = from + std::chrono::hours(1 + random() % 30);
    substitute(kMarch + from, kMarch + until);
    from = until;
  }
  expect_the_same();
  EXPECT_EQ(substitute(), 0u);

  books_.emplace(site_);
  books_->hear(heard);
  const auto refused = std::exchange(refused_, {});
  substitute(kMarch, kMarch + 24h * 300, 1);
  expect_the_same();
  ASSERT_EQ(refused_.size(), refused.size()) << "one account after the other";
  for (std::size_t i = 0; i < refused.size(); ++i) {
    EXPECT_EQ(std::tie(refused_[i].account, refused_[i].hours, refused_[i].first),
              std::tie(refused[i].account, refused[i].hours, refused[i].first));
  }
}

TEST_F(Substituting, OfASilenceLongerThanTheRulesLookBackIsRefused) {
  site_.site.accounts[0].substitution = model::SubstitutionMethod::same_weekday;
  hear(0h, 24h);
  hear(24h * 80, 24h * 80 + 2h);
  EXPECT_EQ(substitute(kMarch + 24h * 79), 0u);
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].hours, 24u);
  EXPECT_EQ(refused_[0].first, kMarch + 24h * 79);
}

TEST_F(Substituting, GivesUpWhenItIsTold) {
  hear(0h, 48h);
  hear(50h, 60h);
  const std::atomic<bool> stop{true};
  const auto history = books_->open();
  KnownBooks known(*history, site_.site, stop);
  const SubstitutionRange range{.from = kMarch, .to = kMarch + 60h, .user = "", .closed_until = [&](PointId p) {
                                  return books_->pipeline().counted_until(p);
                                }};
  const TakeAmendments take = [](std::vector<model::Amendment>) -> model::Result<void> {
    ADD_FAILURE() << "it went on";
    return {};
  };
  EXPECT_TRUE(substitute_missing(known, site_.site, site_.factors, range, books_->now(), take).has_error());
}

TEST_F(Substituting, TakesTheMeanOfTheWeekdayForWhatIsNoLimit) {
  site_.site.accounts[0].substitution = model::SubstitutionMethod::same_weekday;
  hear(0h, 24h * 14 + 3h);
  hear(24h * 14 + 4h, 24h * 15);
  EXPECT_EQ(substitute(), 4u + 1) << "and what the hour before lacks, by its own mean";
  EXPECT_EQ(hour(24h * 14 + 3h), (hour(24h * 7 + 3h) + hour(3h) + 1) / 2);
  EXPECT_EQ(substitute(), 0u);
}

}  // namespace
}  // namespace carbongate::app

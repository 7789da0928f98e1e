// Amounts entered by a person, against a real store: exact, once, beside what readings say.
#include "gateway/app/manual.h"

#include <gtest/gtest.h>

#include <random>

#include "gateway/app/manual_prices.h"
#include "tests/unit/gateway/app/books_fixture.h"

namespace carbongate::app {
namespace {

using model::Activity;

constexpr std::int64_t kKilowattHour = 1'000'000;

class Manual : public ::testing::Test {
 protected:
  Manual() {
    site_.add("press", Kind::cumulative, "kWh");
    books_.emplace(site_);
  }
  std::size_t enter(std::vector<ManualEntry> entries) {
    return books_->run([&](KnownBooks& known, const TakeAmendments& take) {
      const auto result = enter_manually(known, site_.site, site_.factors, entries, books_->now(), take);
      ASSERT_TRUE(result.has_value()) << result.error().text;
    });
  }
  static ManualEntry bill(Duration begin, Duration end, std::int64_t mwh) {
    return {.account = {}, .begin = kMarch + begin, .end = kMarch + end, .amount = Activity::of(mwh), .note = "bill 7"};
  }
  Activity known(Duration begin, Duration end) {
    Activity sum;
    for (const auto& [key, revisions] : books_->entries()) {
      if (key.second < kMarch + begin || key.second >= kMarch + end) continue;
      for (const auto& entry : revisions) sum += entry.amount;
    }
    return sum;
  }

  BooksSite site_;
  std::optional<StoredBooks> books_;
};

TEST_F(Manual, IsWhatIsKnownOfTheStretchAndBookedOnce) {
  books_->hear(counter(PointId{0}, 0h, 30h, 0, 1));
  const Activity others = known(0h, 2h) + known(5h, 29h);
  EXPECT_EQ(enter({bill(2h, 5h, 100 * kKilowattHour + 7)}), 12u);
  EXPECT_EQ(known(2h, 5h), Activity::of(100 * kKilowattHour + 7));
  EXPECT_EQ(known(0h, 2h) + known(5h, 29h), others);
  EXPECT_EQ(enter({bill(2h, 5h, 100 * kKilowattHour + 7)}), 0u);
  EXPECT_EQ(books_->recompute_all(), 0u);
  const auto entry = books_->entries().at({"press", kMarch + 2h}).back();
  EXPECT_EQ(entry.quality, (model::Quality{model::Origin::manual, model::Rule::none}));
  EXPECT_EQ(entry.correction->cause, model::Cause::manual);
  EXPECT_EQ(entry.correction->note, "100.000007 kWh in all: bill 7");
  EXPECT_EQ(enter({bill(2h, 5h, 0)}), 12u) << "another amount replaces it";
  EXPECT_EQ(known(2h, 5h), Activity{});
}

TEST_F(Manual, IsSpreadEvenlyWhereNothingIsKnownAndCountedByTheFactor) {
  books_->hear(counter(PointId{0}, 0h, 10h, 0, 1));
  const auto before = books_->pipeline().state().accounts[0];
  EXPECT_EQ(enter({bill(-48h, -24h, 960 * kKilowattHour)}), 96u);
  for (const auto& [key, revisions] : books_->entries()) {
    if (key.second >= kMarch) continue;
    ASSERT_EQ(revisions.size(), 1u);
    EXPECT_EQ(revisions[0].amount, Activity::of(10 * kKilowattHour));
    EXPECT_EQ(revisions[0].revision, 1u);
    EXPECT_EQ(revisions[0].covered, Duration::zero());
  }
  const auto& after = books_->pipeline().state().accounts[0];
  EXPECT_EQ(after.amount - before.amount, Activity::of(960 * kKilowattHour));
  const auto emitted =
      after.emissions[model::Basis::primary].total.co2e - before.emissions[model::Basis::primary].total.co2e;
  EXPECT_EQ(emitted.quanta(), 150'144'000) << "960 kWh at 0.1564 kg/kWh";
}

// The same electricity by the factor of the nation, 0.5306 instead of 0.1564 kg/kWh.
TEST_F(Manual, IsPricedAgainByAnotherFactor) {
  books_->hear(counter(PointId{0}, 0h, 10h, 0, 1));
  ASSERT_EQ(enter({bill(-48h, -24h, 960 * kKilowattHour)}), 96u);
  const auto price_again = [&] {
    return books_->run([&](KnownBooks& known, const TakeAmendments& take) {
      const auto looked_at = price_entered_again(known, site_.site, site_.factors, kMarch - 24h * 30, kMarch + 24h, {},
                                                 books_->now(), take);
      ASSERT_TRUE(looked_at.has_value()) << looked_at.error().text;
      EXPECT_EQ(*looked_at, 96u);
    });
  };
  EXPECT_EQ(price_again(), 0u) << "by the same factor";
  const auto before = books_->pipeline().state().accounts[0];
  site_.site.accounts[0].factor->region = "CN";
  EXPECT_EQ(price_again(), 96u);
  const auto& after = books_->pipeline().state().accounts[0];
  EXPECT_EQ(after.amount, before.amount);
  const auto emitted =
      after.emissions[model::Basis::primary].total.co2e - before.emissions[model::Basis::primary].total.co2e;
  EXPECT_EQ(emitted.quanta(), 359'232'000) << "960 kWh at 0.3742 kg/kWh more";
  EXPECT_EQ(after.emissions[model::Basis::market].total, before.emissions[model::Basis::market].total);
  const auto entry = books_->entries().at({"press", kMarch - 48h}).back();
  EXPECT_EQ(entry.amount, Activity{});
  EXPECT_EQ(entry.primary.factor_id, "cn-grid/CN/average/2023");
  EXPECT_EQ(entry.correction->cause, model::Cause::manual);
  EXPECT_EQ(entry.correction->note, "cn-grid/CN-SC/average/2023 2025-12-31 -> cn-grid/CN/average/2023 2025-12-31");
  EXPECT_EQ(price_again(), 0u) << "once";
}

TEST_F(Manual, OfAMonthIsOneTransactionSoThatItsSumsAreRevisedOnce) {
  books_->hear(counter(PointId{0}, 0h, 1h, 0, 1));
  std::size_t transactions = 0;
  books_->run([&](KnownBooks& known, const TakeAmendments& take) {
    const TakeAmendments counted = [&](std::vector<model::Amendment> amendments) {
      ++transactions;
      return take(std::move(amendments));
    };
    const std::vector<ManualEntry> entries{bill(-28 * 24h, 0h, 960 * kKilowattHour)};
    ASSERT_TRUE(enter_manually(known, site_.site, site_.factors, entries, books_->now(), counted).has_value());
  });
  EXPECT_EQ(transactions, 1u);
  EXPECT_EQ(known(-28 * 24h, 0h), Activity::of(960 * kKilowattHour));
}

TEST_F(Manual, AddsUpForAnyStretchAndAmount) {
  books_->hear(counter(PointId{0}, 0h, 30h, 0, 0.317));
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    const int from = static_cast<int>(random() % 100);
    const int until = from + 1 + static_cast<int>(random() % 16);
    const auto amount = static_cast<std::int64_t>(random() % 1'000'000'000);
    enter({bill(from * 15min, until * 15min, amount)});
    ASSERT_EQ(known(from * 15min, until * 15min), Activity::of(amount));
    ASSERT_EQ(enter({bill(from * 15min, until * 15min, amount)}), 0u);
    ASSERT_EQ(books_->recompute_all(), 0u);
    for (const auto& [key, revisions] : books_->entries()) {
      Activity sum;
      for (const auto& entry : revisions) sum += entry.amount;
      ASSERT_GE(sum, Activity{});
    }
  }
}

}  // namespace
}  // namespace carbongate::app

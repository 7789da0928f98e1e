#include "gateway/books/beside.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "config/reader/data_files.h"
#include "gateway/model/carrier.h"

namespace carbongate::books {
namespace {

using model::Activity;
using model::Cause;
using model::EmissionEntry;

constexpr Instant kBegin{std::chrono::milliseconds(1'772'323'200'000)};
const model::Correction kWhy{.cause = Cause::manual, .note = "invoice", .booked_at = kBegin};

TEST(Spread, AddsUpExactlyAndFollowsTheWeights) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<std::int64_t> weights(1 + random() % 200);
    for (std::int64_t& weight : weights)
      weight = random() % 3 == 0 ? 0 : static_cast<std::int64_t>(random() % (1ULL << 50));
    const auto whole = static_cast<std::int64_t>(random() % (1ULL << 60));
    const std::int64_t sign = random() % 2 == 0 ? 1 : -1;
    const auto parts = spread(Activity::of(sign * whole), weights);
    ASSERT_EQ(parts.size(), weights.size());
    Activity sum;
    for (const Activity part : parts) sum += part;
    ASSERT_EQ(sum, Activity::of(sign * whole));
    const __int128 of = std::accumulate(weights.begin(), weights.end(), __int128{0});
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto exact = of == 0
                             ? static_cast<double>(whole) / static_cast<double>(weights.size())
                             : static_cast<double>(whole) * (static_cast<double>(weights[i]) / static_cast<double>(of));
      ASSERT_NEAR(static_cast<double>(sign * parts[i].quanta()), exact, 2 + exact * 1e-12);
    }
  }
  EXPECT_EQ(spread(Activity::of(10), std::vector<std::int64_t>{0, 0, 0}),
            (std::vector{Activity::of(3), Activity::of(3), Activity::of(4)}));
  EXPECT_TRUE(spread(Activity::of(10), {}).empty());
}

TEST(Price, StatesNoUncertaintyOfAnAmountThatNoMeterMeasured) {
  config::Problems problems;
  const auto registry =
      pipeline::FactorRegistry::load(config::DataFiles("."), std::vector<std::string>{"cn-grid"}, "UTC", problems);
  model::Account account;
  account.carrier = model::find_carrier("electricity");
  account.scope = model::Scope::energy;
  account.factor = account.market = model::FactorChoice{"cn-grid", "CN", "residual"};
  account.activity_u95_ppm = 10'000;
  pipeline::AccountFactors factors(account, registry);
  PriceCarry carry;
  const EmissionEntry priced = price(Activity::of(1'000'000'000), {kBegin, kBegin + std::chrono::minutes(15)}, account,
                                     factors, {model::Origin::manual, model::Rule::none}, carry);
  EXPECT_NE(priced.primary.emitted.co2e, model::Co2e{});
  EXPECT_EQ(priced.primary.emitted.u95_activity, model::Co2e{});
  EXPECT_EQ(priced.market->emitted.u95_activity, model::Co2e{});
}

TEST(Price, IsMissingOnlyWithoutTheFactorOfThePrimaryResult) {
  config::Problems problems;
  const auto registry = pipeline::FactorRegistry::load(
      config::DataFiles("."), std::vector<std::string>{"cn-grid", "own-generation"}, "UTC", problems);
  ASSERT_FALSE(problems.has_errors()) << problems.to_text();
  const Instant in_2010{std::chrono::sys_days(std::chrono::year(2010) / 3 / 1)};
  const pipeline::Span quarter{in_2010, in_2010 + std::chrono::minutes(15)};
  const model::FactorChoice valid_since_1970{"own-generation", "", "renewable"};
  const model::FactorChoice valid_since_2021{"cn-grid", "CN", "residual"};
  const model::Quality entered{model::Origin::manual, model::Rule::none};
  model::Account account;
  account.carrier = model::find_carrier("electricity");
  account.scope = model::Scope::energy;

  PriceCarry carry;
  account.factor = valid_since_1970;
  account.market = valid_since_2021;
  pipeline::AccountFactors without_market(account, registry);
  const EmissionEntry priced = price(Activity::of(1'000'000), quarter, account, without_market, entered, carry);
  EXPECT_EQ(priced.quality, (model::Quality{model::Origin::manual, model::Rule::no_market_factor}));
  EXPECT_EQ(priced.primary.factor_id, "own-generation/electricity/renewable/1970");

  account.factor = valid_since_2021;
  account.market = valid_since_1970;
  pipeline::AccountFactors without_primary(account, registry);
  EXPECT_EQ(price(Activity::of(1'000'000), quarter, account, without_primary, entered, carry).quality,
            (model::Quality{model::Origin::missing, model::Rule::no_factor}));
}

// 0.0001 kWh at 0.6096 kg/kWh: 60.96 mg.
TEST(Price, OfPartsAddsUpToThatOfTheWhole) {
  config::Problems problems;
  const auto registry =
      pipeline::FactorRegistry::load(config::DataFiles("."), std::vector<std::string>{"cn-grid"}, "UTC", problems);
  model::Account account;
  account.carrier = model::find_carrier("electricity");
  account.scope = model::Scope::energy;
  account.factor = account.market = model::FactorChoice{"cn-grid", "CN", "residual"};
  pipeline::AccountFactors factors(account, registry);
  const Instant march{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
  const pipeline::Span quarter{march, march + std::chrono::minutes(15)};
  PriceCarry carry;
  model::Co2e primary;
  model::Co2e market;
  model::GasMass gas;
  for (int i = 0; i < 1'000; ++i) {
    const EmissionEntry part = price(Activity::of(i % 2 == 0 ? 300 : -100), quarter, account, factors, {}, carry);
    primary += part.primary.emitted.co2e;
    market += part.market->emitted.co2e;
    part.primary.emitted.gases.each([&](model::Gas, model::GasMass mass) { gas += mass; });
  }
  EXPECT_EQ(primary.quanta(), 60'960);
  EXPECT_EQ(market.quanta(), 60'960);
  EXPECT_EQ(gas.quanta(), 60'960);
}

EmissionEntry amount(std::int64_t quanta, std::string factor = "a") {
  EmissionEntry made;
  made.begin = kBegin;
  made.end = kBegin + std::chrono::minutes(15);
  made.amount = Activity::of(quanta);
  made.primary.emitted.co2e = model::Co2e::of(2 * quanta);
  made.primary.factor_id = std::move(factor);
  made.quality = {model::Origin::manual, model::Rule::none};
  return made;
}

TEST(BesideCorrection, MakesTheLayerWhatItShouldBe) {
  Layers known = layers_of(std::vector{amount(100)});
  const auto first = beside_correction(known, known.manual, amount(30), kWhy);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->amount, Activity::of(30));
  EXPECT_EQ(first->revision, 1u);
  std::vector revisions{amount(100), *first};
  known = layers_of(revisions);
  EXPECT_EQ(known.computed.amount, Activity::of(100));
  EXPECT_EQ(known.manual.amount, Activity::of(30));
  EXPECT_FALSE(beside_correction(known, known.manual, amount(30), kWhy)) << "it is so already";

  const auto by_another_factor = beside_correction(known, known.manual, amount(30, "b"), kWhy);
  ASSERT_TRUE(by_another_factor);
  EXPECT_EQ(by_another_factor->amount, Activity{});

  const auto back = beside_correction(known, known.manual, amount(0), kWhy);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->amount, Activity::of(-30));
  EXPECT_EQ(back->primary.emitted.co2e, model::Co2e::of(-60));
  EXPECT_EQ(back->quality, known.computed.quality);
  revisions.push_back(*back);
  known = layers_of(revisions);
  EXPECT_FALSE(beside_correction(known, known.manual, amount(0), kWhy));
}

TEST(PriceCorrection, IsWhatAnotherFactorGivesForTheAmountThatWasEntered) {
  EmissionEntry booked = amount(1'000);
  booked.revision = 1;
  booked.correction = model::Correction{model::Cause::manual, "bill 7", kBegin};
  const Layers known = layers_of(std::span(&booked, 1));
  const model::Correction why{model::Cause::manual, "a -> b", kBegin};
  EmissionEntry target = amount(1'000, "b");
  EXPECT_FALSE(price_correction(known, target, why)) << "another factor that gives the same is no correction";
  target.primary.emitted.co2e += model::Co2e::of(1);
  EXPECT_FALSE(price_correction(known, target, why)) << "a remainder below a milligram, rounded at another place";
  target.primary.emitted.co2e = model::Co2e::of(5'000);
  const auto correction = price_correction(known, target, why);
  ASSERT_TRUE(correction);
  EXPECT_EQ(correction->amount, Activity{});
  EXPECT_EQ(correction->primary.emitted.co2e, model::Co2e::of(3'000));
  EXPECT_EQ(correction->primary.factor_id, "b");
  EXPECT_EQ(correction->revision, 2u);

  const std::vector<EmissionEntry> both{booked, *correction};
  const Layers after = layers_of(both);
  EXPECT_FALSE(after.has_computed) << "it belongs to what was entered";
  EXPECT_FALSE(price_correction(after, target, why)) << "once";
}

}  // namespace
}  // namespace carbongate::books

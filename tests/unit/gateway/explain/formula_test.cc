#include "gateway/explain/formula.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "config/reader/data_files.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/emission.h"

namespace carbongate::explain {
namespace {

using model::Activity;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

const Instant kBegin = Instant(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1));

TEST(Exact, IsTheWholeDecimal) {
  EXPECT_EQ(exact(0, 18), "0");
  EXPECT_EQ(exact(-1'955, 3), "-1.955");
  EXPECT_EQ(exact(1'200, 2), "12");
  EXPECT_EQ(exact(7, 3), "0.007");
  EXPECT_EQ(exact(-7, 0), "-7");
  EXPECT_EQ(exact(static_cast<__int128>(INT64_MAX) * INT64_MAX, 18), "85070591730234615847.396907784232501249");
}

struct Site {
  Site() {
    config::Problems problems;
    registry = pipeline::FactorRegistry::load(config::DataFiles("."), std::vector<std::string>{"cn-grid", "ipcc-2006"},
                                              "Asia/Shanghai", problems);
    account.carrier = model::find_carrier("electricity");
    account.factor = model::FactorChoice{"cn-grid", "CN-SC", "average"};
  }

  // As the pipeline books them, one after the other.
  Revision book(Activity amount, model::EmissionState& state, std::uint32_t revision = 0) const {
    const model::Factor* factor = registry.find(*account.factor, *account.carrier, kBegin);
    Revision booked;
    booked.entry.begin = kBegin;
    booked.entry.amount = amount;
    booked.entry.revision = revision;
    booked.entry.primary = {
        .emitted = pipeline::emit(amount, *factor, state), .factor_id = factor->id, .factor_version = factor->version};
    if (revision != 0) booked.entry.correction = model::Correction{model::Cause::late_data, "", kBegin};
    return booked;
  }

  pipeline::FactorRegistry registry;
  model::Account account;
};

TEST(Formula, ItsProductFitsWhateverIsBooked) {
  const Site site;
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::int64_t> amounts(-5'000'000'000, 50'000'000'000);
  model::EmissionState state;
  for (int i = 0; i < 2'000; ++i) {
    std::vector<Revision> revisions;
    for (std::uint32_t r = 0; r < 1 + static_cast<std::uint32_t>(i % 3); ++r) {
      revisions.push_back(site.book(Activity::of(amounts(random)), state, r));
    }
    const auto formulas = formulas_of(revisions, *site.account.carrier, {&site.registry, nullptr, &site.account});
    ASSERT_EQ(formulas.size(), 1U);
    for (const Product& product : formulas.front().products) ASSERT_TRUE(product.fits) << product.exact;
  }
}

TEST(Formula, DoesNotFitWhatIsAMilligramOff) {
  const Site site;
  model::EmissionState state;
  std::vector<Revision> revisions{site.book(Activity::of(12'500'000), state)};
  revisions.front().entry.primary.emitted.co2e += model::Co2e::of(1);
  const auto formulas = formulas_of(revisions, *site.account.carrier, {&site.registry, nullptr, &site.account});
  const Product& co2e = formulas.front().products.front();
  EXPECT_FALSE(co2e.fits);
  EXPECT_EQ(co2e.carried, "0.000001");
  EXPECT_EQ(co2e.exact, "1.955");
  EXPECT_EQ(co2e.factor, "0.1564");
}

TEST(Formula, LeavesOutWhatCertificatesTookAway) {
  const Site site;
  model::EmissionState state;
  std::vector<Revision> revisions{site.book(Activity::of(12'500'000), state)};
  Revision certificate;
  certificate.entry.begin = kBegin;
  certificate.entry.revision = 1;
  certificate.entry.primary.emitted.co2e = model::Co2e::of(-955'000);
  certificate.entry.correction = model::Correction{model::Cause::certificate, "GEC", kBegin};
  revisions.push_back(certificate);
  const auto formulas = formulas_of(revisions, *site.account.carrier, {&site.registry, nullptr, &site.account});
  EXPECT_TRUE(formulas.front().products.front().fits);
  EXPECT_EQ(formulas.front().products.front().booked, "1.955");
  EXPECT_EQ(formulas.front().beside, "-0.955");
}

TEST(Formula, OfWhatAPersonEnteredMultipliesThatAmount) {
  const Site site;
  model::EmissionState state;
  Revision entered = site.book(Activity::of(12'500'000), state, 1);
  entered.entry.correction->cause = model::Cause::manual;
  const FactorSource source{&site.registry, nullptr, &site.account};
  const auto alone = formulas_of(std::span(&entered, 1), *site.account.carrier, source);
  ASSERT_EQ(alone.size(), 1U);
  EXPECT_TRUE(alone.front().entered);
  EXPECT_EQ(alone.front().amount, Activity::of(12'500'000));
  EXPECT_EQ(alone.front().products.front().exact, "1.955");
  EXPECT_EQ(alone.front().products.front().booked, "1.955");

  const std::vector<Revision> both{site.book(Activity::of(1'000'000), state), entered};
  const auto formulas = formulas_of(both, *site.account.carrier, source);
  ASSERT_EQ(formulas.size(), 2U);
  EXPECT_FALSE(formulas[0].entered);
  EXPECT_EQ(formulas[0].beside, "0") << "told behind it";
  EXPECT_EQ(formulas[0].amount, Activity::of(1'000'000));
  EXPECT_TRUE(formulas[1].entered);
  EXPECT_EQ(formulas[1].products.front().booked, "1.955");
}

TEST(Formula, SaysThatACoefficientOfCoalIsAnotherOneNow) {
  config::Problems problems;
  const auto registry = pipeline::FactorRegistry::load(
      config::DataFiles("."), std::vector<std::string>{"cn-standard-coal"}, "Asia/Shanghai", problems);
  model::Account account;
  account.carrier = model::find_carrier("electricity");
  account.coal = model::FactorChoice{"cn-standard-coal", "CN-SC", "calorific"};
  Revision booked;
  booked.entry.begin = kBegin;
  booked.entry.amount = Activity::of(10'000'000);
  booked.entry.coal_factor_id = registry.find(*account.coal, *account.carrier, kBegin)->id;
  booked.entry.coal = model::StandardCoal::of(1'229'000);
  const auto explained = [&] {
    return formulas_of(std::span(&booked, 1), *account.carrier, {&registry, nullptr, &account}).back();
  };
  EXPECT_TRUE(explained().products.front().fits);
  EXPECT_THAT(explained().factor.lookup, Each(Not(HasSubstr("another value"))));
  booked.entry.coal = model::StandardCoal::of(4'040'000);
  EXPECT_FALSE(explained().products.front().fits);
  EXPECT_THAT(explained().factor.lookup, Contains(HasSubstr("does not give what was booked")));
}

TEST(FactorUsed, SaysThatTheMeasuredHeatingValueGoesFirst) {
  Site site;
  model::Factor coal = *site.registry.find(*site.account.factor, *site.account.carrier, kBegin);
  coal.id = "lab/ncv/electricity/default/2026";
  coal.set = "lab/ncv";
  coal.method = "default";
  coal.kind = model::FactorKind::standard_coal;
  config::Problems problems;
  const auto registry = pipeline::FactorRegistry::load(
      config::DataFiles("."), {.sets = {"cn-standard-coal"}, .own = {coal}}, "Asia/Shanghai", problems);
  site.account.coal = model::FactorChoice{"cn-standard-coal", "CN-SC", "calorific"};
  site.account.measured_coal = model::FactorChoice{"lab/ncv", coal.region, "default"};
  Revision booked;
  booked.entry.begin = kBegin;
  booked.entry.coal_factor_id = coal.id;
  const auto used = [&] {
    return factor_used(Result::coal, booked.entry, *site.account.carrier, {&registry, nullptr, &site.account});
  };
  EXPECT_FALSE(used().chosen_now);
  EXPECT_THAT(used().lookup, Contains(HasSubstr("was measured")));
  site.account.measured_coal->set = "other/ncv";
  EXPECT_EQ(used().chosen_now, "cn-standard-coal/electricity/calorific/2020");
  EXPECT_THAT(used().lookup, Each(Not(HasSubstr("was measured"))));
}

TEST(FactorUsed, OfAMeasuredHeatingValueIsOfTheVersionOfItsEmissions) {
  Site site;
  model::Factor coal = *site.registry.find(*site.account.factor, *site.account.carrier, kBegin);
  coal.id = "lab/ncv/diesel/default/2026";
  coal.set = "lab/ncv";
  coal.version = "2";
  config::Problems problems;
  const auto registry =
      pipeline::FactorRegistry::load(config::DataFiles("."), {.sets = {}, .own = {coal}}, "Asia/Shanghai", problems);
  Revision booked;
  booked.entry.begin = kBegin;
  booked.entry.coal_factor_id = coal.id;
  booked.entry.primary = {.emitted = {}, .factor_id = "lab/diesel/default/2026", .factor_version = "1"};
  FactorSource source{&registry, nullptr, nullptr};
  const auto used = [&] { return factor_used(Result::coal, booked.entry, *site.account.carrier, source); };
  EXPECT_EQ(used().factor->version, "2") << "as far as it is known";
  source.former = [&](std::string_view id, std::string_view version) {
    model::Factor kept = coal;
    kept.version = version;
    return id == coal.id ? std::optional(kept) : std::nullopt;
  };
  EXPECT_EQ(used().factor->version, "1");
  EXPECT_TRUE(used().former);
  booked.entry.primary.factor_version = "2";
  EXPECT_FALSE(used().former);
}

TEST(FactorUsed, NamesWhatStandsInForAMarketFactorThatEnded) {
  Site site;
  model::Factor supplier = *site.registry.find(*site.account.factor, *site.account.carrier, kBegin);
  supplier.id = "supplier/CN-SC/contract/2024";
  supplier.set = "supplier";
  supplier.method = "contract";
  supplier.valid_until = kBegin - std::chrono::hours(1);
  config::Problems problems;
  const auto registry = pipeline::FactorRegistry::load(config::DataFiles("."), {.sets = {"cn-grid"}, .own = {supplier}},
                                                       "Asia/Shanghai", problems);
  site.account.scope = model::Scope::energy;
  site.account.market = model::FactorChoice{"supplier", "CN-SC", "contract"};
  site.account.market_else = {{"cn-grid", "CN", "residual"}, *site.account.factor};
  model::EmissionState state;
  Revision booked = site.book(Activity::of(1'000'000), state);
  booked.entry.market = {.emitted = {}, .factor_id = "cn-grid/CN/residual/2023", .factor_version = "2025-12-31"};
  const FactorUsed used =
      factor_used(Result::market, booked.entry, *site.account.carrier, {&registry, nullptr, &site.account});
  ASSERT_TRUE(used.factor);
  EXPECT_FALSE(used.chosen_now) << "the same question has the same answer now";
  EXPECT_THAT(used.lookup.front(), HasSubstr("the last is supplier/CN-SC/contract/2024: the next one"));
}

// Diesel by AR6, explained after the site changed to AR5.
TEST(Formula, IsThatOfTheGwpSetByWhichItWasBooked) {
  const config::DataFiles data(".");
  config::Problems problems;
  const auto load = [&](std::string gwp) {
    return pipeline::FactorRegistry::load(data, {.sets = {"ipcc-2006"}, .gwp = std::move(gwp), .own = {}},
                                          "Asia/Shanghai", problems);
  };
  const auto now = load("AR5");
  const auto then = load("AR6");
  const auto ar6 = pipeline::GwpSet::load(data, "AR6", problems);
  ASSERT_TRUE(ar6) << problems.to_text();
  model::Account account;
  account.carrier = model::find_carrier("diesel");
  account.factor = model::FactorChoice{"ipcc-2006", "", "default"};
  const model::Factor* factor = then.find(*account.factor, *account.carrier, kBegin);
  ASSERT_TRUE(factor);
  model::EmissionState state;
  Revision booked;
  booked.entry.begin = kBegin;
  booked.entry.amount = Activity::of(1'000'000'000);
  booked.entry.primary = {.emitted = pipeline::emit(booked.entry.amount, *factor, state),
                          .factor_id = factor->id,
                          .factor_version = factor->version,
                          .gwp_set = factor->gwp_set};
  EXPECT_EQ(factor->gwp_set, "AR6");
  FactorSource source{&now, nullptr, &account};
  source.by_gwp = [&](const std::string& name) {
    return name == "AR6" ? std::optional(FactorsByGwp{&then, &*ar6}) : std::nullopt;
  };
  auto formulas = formulas_of(std::span(&booked, 1), *account.carrier, source);
  ASSERT_EQ(formulas.front().products.size(), 4U) << "CO2e, CO2, CH4, N2O";
  EXPECT_TRUE(formulas.front().products.front().fits);
  EXPECT_EQ(formulas.front().factor.factor->gwp_set, "AR6");
  EXPECT_EQ(formulas.front().products[2].gwp, ar6->value(model::Gas::ch4)->text);

  booked.entry.primary.gwp_set = "AR7";
  formulas = formulas_of(std::span(&booked, 1), *account.carrier, source);
  EXPECT_TRUE(formulas.front().products.empty());
  EXPECT_THAT(formulas.front().factor.missing, HasSubstr("AR7, a set that is not known here"));

  booked.entry.primary.gwp_set = "";  // booked before it was noted
  formulas = formulas_of(std::span(&booked, 1), *account.carrier, source);
  EXPECT_EQ(formulas.front().factor.factor->gwp_set, "AR5");
}

TEST(FactorUsed, SaysHowItWasChosenAndUntilWhenItHolds) {
  const Site site;
  model::EmissionState state;
  Revision booked = site.book(Activity::of(1), state);
  booked.entry.begin = Instant(std::chrono::sys_days(std::chrono::year(2022) / 6 / 1));
  const model::Factor* then = site.registry.find(*site.account.factor, *site.account.carrier, booked.entry.begin);
  ASSERT_NE(then, nullptr);
  const FactorUsed used =
      factor_used(Result::primary, booked.entry, *site.account.carrier, {&site.registry, nullptr, &site.account});
  ASSERT_TRUE(used.factor);
  EXPECT_EQ(used.chosen_now, then->id);  // that of 2023 was booked for 2022: somebody's mistake, and visible
  ASSERT_GE(used.lookup.size(), 2U);
  EXPECT_THAT(used.lookup.front(), HasSubstr("cn-grid, electricity, CN-SC, average"));
}

}  // namespace
}  // namespace carbongate::explain

// What is booked while a chosen factor does not apply: which figure stands in, and what the quality says.
#include <gtest/gtest.h>

#include "gateway/pipeline/pipeline.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Basis;
using model::Co2e;
using model::EmissionEntry;
using model::Origin;
using model::Period;
using model::Quality;
using model::RollupRow;
using model::Rule;
using namespace std::chrono_literals;

// Factors of a site's own: a supplier's rate, and what power stations burn, each for the year 2024 alone.
FactorRegistry with_factors_of_2024(std::string_view time_zone) {
  model::Factor supplier;
  supplier.id = "supplier/CN-SC/contract/2024";
  supplier.set = "supplier";
  supplier.version = "1";
  supplier.carrier = "electricity";
  supplier.region = "CN-SC";
  supplier.method = "contract";
  supplier.valid_from = utc("2023-12-31 16:00");
  supplier.valid_until = utc("2024-12-31 16:00");
  supplier.scaled_co2e = 100'000'000'000;  // 0.1 kg/kWh
  model::Factor coal = supplier;
  coal.id = "site-standard-coal/electricity/equivalent/2024";
  coal.set = "site-standard-coal";
  coal.region = "";
  coal.method = "equivalent";
  coal.kind = model::FactorKind::standard_coal;
  coal.scaled_co2e = 0;
  coal.scaled_coal = 302'000'000'000;  // 0.302 kgce/kWh
  config::Problems problems;
  return FactorRegistry::load(config::DataFiles("."), {.sets = {"cn-grid"}, .own = {supplier, coal}}, time_zone,
                              problems);
}

// One counter in kWh, read every quarter hour, one account on it.
class LackingFactor : public ::testing::Test {
 protected:
  LackingFactor() {
    PointLimits limits;
    limits.interval = 15min;
    meter = site.add_point("energy", Kind::cumulative, "kWh", limits);
    site.add_account(meter);
  }

  TestSite site;
  PointId meter;
};

TEST_F(LackingFactor, WhatComesNextInTheHierarchyStandsInForAMarketFactorThatEnded) {
  model::Account& account = site.site.accounts[0];
  account.scope = model::Scope::energy;
  account.market = model::FactorChoice{.set = "supplier", .region = "CN-SC", .method = "contract"};
  account.market_else = {{.set = "cn-grid", .region = "CN", .method = "residual"}, *account.factor};
  const FactorRegistry factors = with_factors_of_2024(site.site.time_zone);
  Pipeline pipeline(site.site, factors, {});
  const Instant new_year = utc("2024-12-31 16:00");
  const auto rows = feed(pipeline, {reading(meter, new_year - 15min, 100.0), reading(meter, new_year, 110.0),
                                    reading(meter, new_year + 15min, 120.0)});
  const auto entries = only<EmissionEntry>(rows);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].market->factor_id, "supplier/CN-SC/contract/2024");
  EXPECT_EQ(entries[0].market->emitted.co2e, Co2e::of(1'000'000));
  EXPECT_EQ(entries[0].quality, Quality{});
  EXPECT_EQ(entries[1].market->factor_id, "cn-grid/CN/residual/2023");
  EXPECT_EQ(entries[1].market->emitted.co2e, Co2e::of(6'096'000));
  EXPECT_EQ(entries[1].quality, (Quality{Origin::measured, Rule::no_market_factor}));
  EXPECT_EQ(pipeline.statistics().entries_without_market_factor, 1u);
  EXPECT_EQ(rollups(rows, Period::quarter_hour)[1].emitted[Basis::market].co2e, Co2e::of(6'096'000));

  account.market_else = {*account.factor};  // where no residual mix is published
  Pipeline by_location(site.site, factors, {});
  const auto entry = only<EmissionEntry>(
      feed(by_location, {reading(meter, new_year, 110.0), reading(meter, new_year + 15min, 120.0)}));
  EXPECT_EQ(entry.at(0).market->emitted.co2e, entry.at(0).primary.emitted.co2e);
}

TEST_F(LackingFactor, WithoutACoalCoefficientTheEntryAndItsSumsSaySo) {
  site.site.accounts[0].coal = model::FactorChoice{.set = "site-standard-coal", .region = "", .method = "equivalent"};
  const FactorRegistry factors = with_factors_of_2024(site.site.time_zone);
  Pipeline pipeline(site.site, factors, {});
  const Instant new_year = utc("2024-12-31 16:00");
  const auto rows = feed(pipeline, {reading(meter, new_year - 15min, 100.0), reading(meter, new_year, 110.0),
                                    reading(meter, new_year + 60min, 120.0)});
  const auto entries = only<EmissionEntry>(rows);
  ASSERT_EQ(entries.size(), 5u);
  EXPECT_EQ(entries[0].coal.quanta(), 3'020'000);
  EXPECT_EQ(entries[0].quality, Quality{});
  EXPECT_EQ(entries[1].coal.quanta(), 0);
  EXPECT_EQ(entries[1].coal_factor_id, "");
  EXPECT_EQ(entries[1].quality, (Quality{Origin::estimated, Rule::no_coal_factor})) << "estimated over a gap, too";
  EXPECT_EQ(pipeline.statistics().entries_without_coal_factor, 4u);
  const auto hours = rollups(rows, Period::hour);
  ASSERT_EQ(hours.size(), 2u);
  EXPECT_EQ(hours[1].quality.rule, Rule::no_coal_factor);
  EXPECT_GT(entries[1].primary.emitted.co2e, Co2e{}) << "what is known is booked";
}

TEST_F(LackingFactor, APublishedCoefficientStandsInWhereNoHeatingValueWasMeasured) {
  model::Account& account = site.site.accounts[0];
  account.measured_coal = model::FactorChoice{.set = "site-standard-coal", .region = "", .method = "equivalent"};
  account.coal = model::FactorChoice{.set = "published", .region = "", .method = "default"};
  FactorRegistry factors = with_factors_of_2024(site.site.time_zone);
  model::Factor measured = *factors.find(*account.measured_coal, *account.carrier, utc("2024-06-01 00:00"));
  model::Factor published = measured;
  published.id = "published/electricity/default/2020";
  published.set = "published";
  published.method = "default";
  published.valid_until.reset();
  published.scaled_coal = 122'900'000'000;
  config::Problems problems;
  factors = FactorRegistry::load(config::DataFiles("."), {.sets = {"cn-grid"}, .own = {measured, published}},
                                 site.site.time_zone, problems);
  Pipeline pipeline(site.site, factors, {});
  const Instant new_year = utc("2024-12-31 16:00");
  const auto entries =
      only<EmissionEntry>(feed(pipeline, {reading(meter, new_year - 15min, 100.0), reading(meter, new_year, 110.0),
                                          reading(meter, new_year + 15min, 120.0)}));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].coal_factor_id, measured.id);
  EXPECT_EQ(entries[0].coal.quanta(), 3'020'000);
  EXPECT_EQ(entries[1].coal_factor_id, published.id);
  EXPECT_EQ(entries[1].coal.quanta(), 1'229'000);
  EXPECT_EQ(entries[1].quality, Quality{});
}

TEST_F(LackingFactor, AGapDoesNotHideThatNoFactorApplied) {
  site.site.points[0].kind = Kind::instantaneous;
  site.site.points[0].unit = *find_unit("kW");
  site.site.points[0].limits.interval = 60s;
  Pipeline pipeline = site.pipeline();
  const Instant noon = utc("2018-06-01 12:00");
  // A rate that is not read for hours is missing there; no factor applies in 2018.
  const auto rows =
      feed(pipeline, {reading(meter, noon, 10.0), reading(meter, noon + 1min, 10.0), reading(meter, noon + 5h, 10.0),
                      reading(meter, noon + 5h + 1min, 10.0), reading(meter, noon + 9h, 10.0)});
  ASSERT_FALSE(only<EmissionEntry>(rows).empty());
  for (const EmissionEntry& entry : only<EmissionEntry>(rows)) {
    EXPECT_EQ(entry.quality, (Quality{Origin::missing, Rule::no_factor}));
  }
  for (const RollupRow& row : only<RollupRow>(rows)) EXPECT_EQ(row.quality.rule, Rule::no_factor);
}

}  // namespace
}  // namespace carbongate::pipeline

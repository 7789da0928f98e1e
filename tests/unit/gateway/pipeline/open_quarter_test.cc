#include "gateway/pipeline/open_quarter.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using namespace std::chrono_literals;
using model::EmissionEntry;

const Instant kStart = utc("2023-06-01 00:00");

std::vector<Reading> counter(PointId point, Duration from, Duration until) {
  std::vector<Reading> readings;
  for (Duration at = from; at <= until; at += 1min) {
    readings.push_back(reading(point, kStart + at, 100 + 7.123457 * static_cast<double>(at / 1min)));
  }
  return readings;
}

// Started again with another factor, in the middle of a quarter hour: it is all of the factor that its entry names.
TEST(OpenQuarter, IsCountedByOneFactorAfterAStartWithAnother) {
  TestSite site;
  const PointId point = site.add_point("meter", Kind::cumulative, "kWh");
  site.add_account(point);
  Pipeline before = site.pipeline();
  feed(before, counter(point, 0min, 22min));
  site.site.accounts[0].factor->region = "CN";
  Pipeline after = site.pipeline(before.state());
  after.resume(kStart + 22min, {});
  const auto rows = feed(after, counter(point, 23min, 31min));

  Pipeline all_by_the_new_one = site.pipeline();
  const auto right = only<EmissionEntry>(feed(all_by_the_new_one, counter(point, 0min, 31min)));
  const auto entries = only<EmissionEntry>(rows);
  ASSERT_EQ(entries.size(), 1U);
  ASSERT_EQ(right.size(), 2U);
  EXPECT_EQ(entries[0].primary.factor_id, right[1].primary.factor_id);
  EXPECT_NEAR(static_cast<double>(entries[0].primary.emitted.co2e.quanta()),
              static_cast<double>(right[1].primary.emitted.co2e.quanta()), 1);
  const auto& day = after.state().accounts[0].open[2];
  ASSERT_TRUE(day);
  EXPECT_EQ(day->emitted[model::Basis::primary].co2e.quanta(),
            after.state().accounts[0].emissions[model::Basis::primary].total.co2e.quanta())
      << "sums in progress say what the total does";
}

TEST(OpenQuarter, LacksAFactorNoMoreOnceThereIsOne) {
  TestSite site;
  const PointId point = site.add_point("meter", Kind::cumulative, "kWh");
  site.add_account(point, "electricity", "cn-grid", "nowhere");
  Pipeline before = site.pipeline();
  feed(before, counter(point, 0min, 7min));
  site.site.accounts[0].factor->region = "CN-SC";
  Pipeline after = site.pipeline(before.state());
  after.resume(kStart + 7min, {});
  const auto entries = only<EmissionEntry>(feed(after, counter(point, 8min, 16min)));
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].quality, model::Quality{});
  EXPECT_GT(entries[0].primary.emitted.co2e.quanta(), 0);
}

TEST(OpenQuarter, IsLeftAsItIsByAStartThatChangesNothing) {
  TestSite site;
  const PointId point = site.add_point("meter", Kind::cumulative, "kWh");
  site.add_account(point);
  Pipeline before = site.pipeline();
  feed(before, counter(point, 0min, 22min));
  Pipeline after = site.pipeline(before.state());
  after.resume(kStart + 22min, {});
  EXPECT_EQ(to_text(after.state()), to_text(before.state()));
}

}  // namespace
}  // namespace carbongate::pipeline

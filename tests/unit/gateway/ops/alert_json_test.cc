#include "gateway/ops/alert_json.h"

#include <gtest/gtest.h>

namespace carbongate::ops {
namespace {

using namespace std::chrono_literals;

TEST(AlertJson, SaysWhatTheValueIsOfAndHowMuchOfThatWasWatched) {
  const Instant since{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
  model::Alert alert;
  alert.at = alert.since = since + 10h;
  alert.id = "0123456789abcdef";
  alert.value = 60;
  alert.unit = "kWh";
  const auto json = [&] { return alert_json({.rule = "day", .subject = "press", .user_name = {}}, alert, "firing"); };
  for (const char* name : {"period_begin", "period_end", "coverage_percent"}) {
    EXPECT_TRUE(json().at(name).is_null()) << name << ", of what is no sum";
  }
  alert.of = model::SummedTime{.begin = since, .end = since + 24h, .coverage = 8750};
  EXPECT_EQ(json().at("period_begin").as_string(), "2026-03-01T00:00:00Z");
  EXPECT_EQ(json().at("period_end").as_string(), "2026-03-02T00:00:00Z");
  EXPECT_EQ(json().at("coverage_percent").as_double(), 87.5);
  alert.of->coverage.reset();
  EXPECT_FALSE(json().at("period_begin").is_null());
  EXPECT_TRUE(json().at("coverage_percent").is_null()) << "not known";
}

}  // namespace
}  // namespace carbongate::ops

#include "gateway/app/stations_section.h"

#include <gtest/gtest.h>

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;
using model::StationFactor;

std::vector<Point> points() {
  std::vector<Point> all;
  const auto add = [&](const char* name, Kind kind, const char* unit, Duration interval = 10s) {
    Point point{.id = static_cast<PointId>(all.size()),
                .device = "stack",
                .name = name,
                .kind = kind,
                .unit = {},
                .limits = {}};
    point.unit = find_unit(unit).value();
    point.limits.interval = interval;
    all.push_back(std::move(point));
  };
  add("co2", Kind::instantaneous, "g/m3");
  add("flow", Kind::instantaneous, "m3/h");
  add("electricity", Kind::cumulative, "MWh");
  add("batch", Kind::interval, "kg");
  add("o2", Kind::instantaneous, "%", 2min);
  return all;
}

struct Read {
  std::vector<model::Station> stations;
  std::string problems;
};

Read read(const std::string& text) {
  config::Problems problems;
  const config::Node root = config::parse_text("stations:\n" + text, "site.yaml", problems);
  config::Reader in(root, problems);
  Read result{read_stations(in, points(), {"doubtful"}), {}};
  in.finish();
  result.problems = problems.to_text();
  return result;
}

std::string problems_of(const std::string& factor) {
  return read("  - {id: s, factors: [" + factor + "]}").problems;
}

TEST(StationsSection, ConvertsUnitsAndKnowsHowAmountsComeAbout) {
  const Read got = read(R"(
  - id: stack-1
    minute: 1min
    factors:
      - {code: a05001, point: stack.co2, unit: mg/m3, decimals: 1}
      - {code: a00000, point: stack.flow, unit: m3/s, amount: {point: stack.flow, unit: m3, decimals: 0}}
      - {code: i33201, amount: {point: stack.electricity, unit: kWh}}
      - {code: x1, amount: {point: stack.batch}}
)");
  EXPECT_EQ(got.problems, "");
  ASSERT_EQ(got.stations.size(), 1u);
  const model::Station& station = got.stations[0];
  EXPECT_EQ(station.minute_instants, 4u) << "three quarters of six";
  ASSERT_EQ(station.factors.size(), 4u);
  EXPECT_DOUBLE_EQ(station.factors[0].scale, 1000);
  EXPECT_EQ(station.factors[0].decimals, 1);
  EXPECT_EQ(station.factors[0].fresh, 30s);
  EXPECT_DOUBLE_EQ(station.factors[1].scale, 1.0 / 3600);
  EXPECT_EQ(station.factors[1].amounts, StationFactor::Amounts::integrals);
  EXPECT_NEAR(station.factors[1].amount_scale * 3'600'000, 1, 1e-12) << "1 m3/h for an hour";
  EXPECT_EQ(station.factors[2].amounts, StationFactor::Amounts::differences);
  EXPECT_DOUBLE_EQ(station.factors[2].amount_scale, 1000);
  EXPECT_EQ(station.factors[3].amounts, StationFactor::Amounts::sums);
}

TEST(StationsSection, LeavesWhatTheStandardWantsWhereEnoughComes) {
  EXPECT_EQ(read("  - {id: s, minute: 10min, factors: [{code: a05001, point: stack.co2}]}").stations[0].minute_instants,
            12u);
  EXPECT_EQ(read("  - {id: s, minute: 1min, factors: [{code: a19001, point: stack.o2}]}").stations[0].minute_instants,
            1u);
}

TEST(StationsSection, HoldsASlowPointsValueForThreeOfItsIntervals) {
  const Read got = read(R"(
  - id: stack-1
    factors:
      - {code: a19001, point: stack.o2}
      - {code: a19002, reduced: stack.o2}
      - {code: a05001, point: stack.co2, reduced: stack.o2, unit: "%"}
)");
  ASSERT_EQ(got.stations.size(), 1u);
  const auto& factors = got.stations[0].factors;
  ASSERT_EQ(factors.size(), 3u);
  EXPECT_EQ(factors[0].fresh, 6min);
  EXPECT_EQ(factors[1].fresh, 6min) << "of what is reduced alone too";
  EXPECT_EQ(factors[2].fresh, 30s) << "else the point's own";
}

TEST(StationsSection, SaysWhatIsWrong) {
  const auto has = [](const std::string& text, std::string_view words) {
    return text.find(words) != std::string::npos ? testing::AssertionSuccess() : testing::AssertionFailure() << text;
  };
  EXPECT_TRUE(has(problems_of("{code: a05001, point: stack.c02}"), "did you mean 'stack.co2'?"));
  EXPECT_TRUE(has(problems_of("{code: a05001, point: stack.co2, unit: kWh}"), "not converted"));
  EXPECT_TRUE(has(problems_of("{code: a05001, point: stack.co2, unit: mg}"), "not converted"));
  EXPECT_TRUE(has(problems_of("{code: a05001}"), "nothing would be reported"));
  EXPECT_TRUE(has(problems_of("{code: a0-5, point: stack.co2}"), "no code"));
  EXPECT_TRUE(has(problems_of("{code: a1, point: stack.co2}, {code: a1, point: stack.o2}"), "is there twice"));
  EXPECT_TRUE(has(problems_of("{code: a1, amount: {point: stack.co2}}"), "nothing that flows"));
  EXPECT_TRUE(has(problems_of("{code: a1, amount: {point: stack.flow}}"), "unit of the amount is missing"));
  EXPECT_TRUE(has(problems_of("{code: a1, amount: {point: stack.flow, unit: kg}}"), "no amount of what"));
  EXPECT_TRUE(
      has(read("  - {id: s, minute: 7min, factors: []}").problems, "1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30 min"));
  EXPECT_TRUE(has(read("  - {id: s, real_time: 7s, factors: []}").problems, "must divide an hour"));
  EXPECT_TRUE(has(read("  - {id: s, factors: []}").problems, "names no factor"));
  EXPECT_EQ(problems_of("{code: a1, point: doubtful.x}"), "") << "its device has problems of its own";
}

}  // namespace
}  // namespace carbongate::app

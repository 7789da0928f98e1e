#include "drivers/point_limits.h"

#include <gtest/gtest.h>

namespace carbongate {
namespace {

using namespace std::chrono_literals;

struct Read {
  Read(Kind kind, std::string_view unit, std::string_view text) {
    point.device = "meter";
    point.name = "value";
    point.kind = kind;
    point.unit = find_unit(unit).value();
    const config::Node node = config::parse_text(text, "a.yaml", problems);
    config::Reader in(node, problems);
    read_point_limits(in, point);
    in.finish();
    said = problems.to_text();
  }
  Point point;
  config::Problems problems;
  std::string said;
};

TEST(PointLimits, AreReadInTheUnitOfThePoint) {
  const Read r(Kind::cumulative, "kWh",
               "{min: 0, max: 999999.9, rollover_at: 1e6, power_max: 250 kW, stale_after: 5min}");
  EXPECT_EQ(r.said, "");
  EXPECT_EQ(r.point.limits.min, 0.0);
  EXPECT_EQ(r.point.limits.max, 999999.9);
  EXPECT_EQ(r.point.limits.rollover_at, std::vector{1e6});
  EXPECT_EQ(r.point.limits.power_max_w, 250'000.0);
  EXPECT_EQ(r.point.limits.stale_after, 5min);
  EXPECT_EQ(Read(Kind::cumulative, "kWh", "power_max: 1.5MW").point.limits.power_max_w, 1.5e6);
  EXPECT_EQ(Read(Kind::instantaneous, "W", "gap_max: 10min").point.limits.gap_max, 10min);
}

TEST(PointLimits, StayAsTheyAreWhenAbsent) {
  const Read r(Kind::instantaneous, "V", "{}");
  EXPECT_EQ(r.said, "");
  EXPECT_EQ(r.point.limits.min, std::nullopt);
  EXPECT_EQ(r.point.limits.stale_after, 0s);
}

TEST(PointLimits, MayNotContradictEachOther) {
  EXPECT_EQ(Read(Kind::instantaneous, "V", "{min: 10, max: 10}").said,
            "a.yaml:1:7: error: min: min must be below max\n");
  EXPECT_NE(Read(Kind::cumulative, "kWh", "{max: 10, rollover_at: 5}").said.find("max lies beyond rollover_at"),
            std::string::npos);
  EXPECT_NE(Read(Kind::cumulative, "kWh", "rollover_at: 0").said, "");
}

TEST(PointLimits, MustFitKindAndUnit) {
  EXPECT_NE(Read(Kind::instantaneous, "kW", "rollover_at: 100").said.find("only a cumulative point"),
            std::string::npos);
  EXPECT_NE(Read(Kind::cumulative, "kWh", "gap_max: 1min").said.find("only a power or a flow"), std::string::npos);
  EXPECT_NE(Read(Kind::instantaneous, "V", "gap_max: 1min").said, "");
  EXPECT_NE(Read(Kind::cumulative, "m3", "power_max: 1 kW").said.find("limits energy and power only"),
            std::string::npos);
}

TEST(PointLimits, NeedAPowerWithItsUnit) {
  EXPECT_EQ(Read(Kind::cumulative, "kWh", "power_max: 250 kw").said,
            "a.yaml:1:12: error: power_max: 'kw' is not a unit of power; did you mean 'kW'?\n");
  EXPECT_EQ(Read(Kind::cumulative, "Nm3", "flow_max: 250 Nm3/h").point.limits.flow_max, 250e6);
  EXPECT_EQ(Read(Kind::instantaneous, "t/h", "flow_max: 5000 kg/h").point.limits.flow_max, 5e9);
  EXPECT_NE(Read(Kind::cumulative, "m3", "power_max: 1 kW").said.find("which flow_max limits"), std::string::npos);
  EXPECT_NE(Read(Kind::cumulative, "kWh", "flow_max: 1 m3/h").said.find("which power_max limits"), std::string::npos);
  EXPECT_EQ(
      Read(Kind::cumulative, "m3", "flow_max: 250 Nm3/h").said,
      "a.yaml:1:11: error: flow_max: is a normal volume flow; 'value' is a point of volume (m3) and wants a volume "
      "flow\n");
  EXPECT_EQ(Read(Kind::cumulative, "Nm3", "flow_max: 250 nm3/h").said,
            "a.yaml:1:11: error: flow_max: 'nm3/h' is not a unit of flow; did you mean 'Nm3/h'?\n");
  for (const char* bad :
       {"flow_max: 250", "flow_max: 0 m3/h", "flow_max: 250 m3", "power_max: 250", "power_max: kW", "power_max: -1 kW",
        "power_max: 1e99 kW", "power_max: 1 kWh", "stale_after: 1ms", "stale_after: 60", "min: low"}) {
    EXPECT_NE(Read(Kind::cumulative, "kWh", bad).said, "") << bad;
  }
}

TEST(PointLimits, SayNothingAboutAUnitThatIsUnknown) {
  config::Problems problems;
  const config::Node node = config::parse_text("{unit: kwh, power_max: 250 kW, gap_max: 10min}", "a.yaml", problems);
  config::Reader in(node, problems);
  Point point;
  read_point_limits(in, point);
  EXPECT_EQ(problems.to_text(), "");
}

TEST(PointLimits, ARegisterEndsWhereItsBitsOrDigitsEnd) {
  const auto ends = [](std::string_view text) { return Read(Kind::cumulative, "kWh", text).point.limits.rollover_at; };
  EXPECT_EQ(ends("{register_bits: 32, count: 0.01}"), std::vector{42949672.96});
  EXPECT_EQ(ends("{register_bits: 16}"), std::vector{65536.0});
  EXPECT_EQ(ends("{register_bits: 48, count: 0.001}"), std::vector{281474976710.656});
  EXPECT_EQ(ends("{register_digits: 7, count: 0.1}"), std::vector{1e6}) << "999999.9 is the last it shows";
  EXPECT_EQ(ends("{rollover_at: [1e6, 1e7], register_digits: 5}"), (std::vector{1e6, 1e7, 1e5}));
  EXPECT_NE(Read(Kind::cumulative, "kWh", "{register_bits: 64, count: 0.001}")
                .said.find("what the register shows above 9007199254740.99 kWh, and what it moves there, is not exact"),
            std::string::npos);
  for (const char* bad :
       {"register_bits: 7", "register_bits: 65", "register_digits: 2", "count: 0.1", "{register_bits: 32, count: 0}",
        "{rollover_at: [1e6, many]}", "rollover_at: [0]", "{register_digits: 5, max: 100001}"}) {
    EXPECT_NE(Read(Kind::cumulative, "kWh", bad).said, "") << bad;
  }
  EXPECT_NE(Read(Kind::instantaneous, "kW", "register_bits: 32").said.find("only a cumulative point"),
            std::string::npos);
}

TEST(PointLimits, ANetRegisterNeedsToKnowTheConnection) {
  const Read net(Kind::cumulative, "kWh", "{signed: true, power_max: 100 kW}");
  EXPECT_EQ(net.said, "");
  EXPECT_TRUE(net.point.limits.runs_back);
  EXPECT_NE(Read(Kind::cumulative, "kWh", "signed: true").said.find("needs power_max"), std::string::npos);
  EXPECT_NE(Read(Kind::instantaneous, "kW", "{signed: true, power_max: 100 kW}").said, "");
}

}  // namespace
}  // namespace carbongate

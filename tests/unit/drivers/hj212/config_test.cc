#include "drivers/hj212/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "config/reader/node.h"

namespace carbongate::hj212_driver {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

struct Loaded {
  std::unique_ptr<Hj212Plan> plan;
  std::string problems;
};

Loaded load(const config::Node& root, config::Problems& problems) {
  Loaded loaded;
  config::Reader in(root.find("devices")->items().front(), problems);
  in.required<std::string>("driver");
  loaded.plan = read_plan(in, root);
  in.finish();
  loaded.problems = problems.to_text();
  return loaded;
}

Loaded load(const std::string& lines, const std::string& points) {
  config::Problems problems;
  const config::Node root = config::parse_text(
      "site: {id: edz-1}\ndevices:\n  - id: stack\n    driver: hj212\n" + lines + "    points: " + points + "\n",
      "site.yaml", problems);
  return load(root, problems);
}

const std::string kUsual = "    listen: 127.0.0.1:9212\n    mn: A1\n";
const std::string kPoint = "[{name: co2, factor: a05001, unit: mg/m3}]";

TEST(Hj212Config, LoadsTheSample) {
  ::setenv("STACK_PW", "123456", 1);
  config::Problems problems;
  const config::Node root =
      config::parse_file(std::filesystem::path(CARBONGATE_SOURCE_DIR) / "drivers/hj212/sample.yaml", problems);
  const Loaded loaded = load(root, problems);
  EXPECT_EQ(loaded.problems, "");
  const Hj212Plan& plan = *loaded.plan;
  EXPECT_EQ(plan.group(), "0.0.0.0:9212");
  EXPECT_EQ(plan.password.reveal(), "123456");
  EXPECT_EQ(plan.segment_max, 2048u);
  EXPECT_NE(plan.map.zone, nullptr);
  ASSERT_EQ(plan.points().size(), 6u);
  EXPECT_EQ(plan.points()[2].kind, Kind::cumulative);
  EXPECT_EQ(plan.points()[3].limits.interval, 10min);
  EXPECT_EQ(plan.map.points[3].command, "2051");
  EXPECT_EQ(plan.points()[4].kind, Kind::interval);
  EXPECT_EQ(plan.map.points[4].command, "2061");
  EXPECT_EQ(plan.map.points[4].length, 1h);
  EXPECT_EQ(plan.map.points[5].field, "ZsRtd");
  EXPECT_EQ(plan.origin(0, 1).where, "MN 010000A8900016F000169DC0 at 0.0.0.0:9212, CN 2011, a05001-Rtd");
  EXPECT_EQ(plan.origin(5, 1).decoding, "decimal * 0.01");
}

TEST(Hj212Config, HasALimitForEachAddress) {
  EXPECT_EQ(load(kUsual, kPoint).plan->connections_per_address, 0u) << "by the devices that listen there";
  EXPECT_EQ(load(kUsual + "    connections_per_address: 4\n", kPoint).plan->connections_per_address, 4u);
  EXPECT_THAT(load(kUsual + "    connections_per_address: 65\n", kPoint).problems, HasSubstr("out of range"));
  EXPECT_EQ(address_connections_max(1), 16u);
  EXPECT_EQ(address_connections_max(20), 40u) << "all anew, while the old ones are not known to be dead";
  EXPECT_EQ(address_connections_max(100), 64u);
}

TEST(Hj212Config, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(load(kUsual, kPoint).problems, "");
  EXPECT_THAT(
      load("    listen: stack.example:9212\n    mn: A1\n", kPoint).problems,
      HasSubstr("site.yaml:5:13: error: devices[0].listen: 'stack.example:9212' is no address of this machine"));
  for (const char* wrong : {"127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "\"::1:9212\"", "\"[127.0.0.1]:9212\""}) {
    EXPECT_THAT(load(std::string("    listen: ") + wrong + "\n    mn: A1\n", kPoint).problems,
                HasSubstr("is no address of this machine"))
        << wrong;
  }
  EXPECT_EQ(load("    listen: \"[::]:9212\"\n    mn: A1\n", kPoint).problems, "");
  EXPECT_THAT(load("    listen: 127.0.0.1:9212\n", kPoint).problems, HasSubstr("devices[0].mn: missing"));
  EXPECT_THAT(load("    listen: 127.0.0.1:9212\n    mn: \"a;b\"\n", kPoint).problems, HasSubstr("'a;b' is no MN"));
  for (const char* password : {"a;b", "a&&b", "a=b", "a,b", "a\tb"}) {
    ::setenv("STACK_PW", password, 1);
    EXPECT_THAT(load(kUsual + "    password_env: STACK_PW\n", kPoint).problems, HasSubstr("a PW has at most 32"));
  }
  ::setenv("STACK_PW", "123456", 1);
  EXPECT_THAT(load(kUsual, "[{name: m, factor: a05001, field: Cou, unit: kg, kind: cumulative}]").problems,
              HasSubstr("Cou is the amount of its period"));
  EXPECT_THAT(load(kUsual, "[{name: m, factor: a05001, period: hour, unit: kg, kind: cumulative}]").problems,
              HasSubstr("Rtd is of real-time data, which have no period"));
  EXPECT_THAT(load(kUsual, "[{name: m, factor: a05001, unit: kg, kind: interval}]").problems,
              HasSubstr("an amount of a period is in the field Cou alone"));
  EXPECT_THAT(load(kUsual, "[{name: m, factor: \"a=b\", unit: mg/m3}]").problems,
              HasSubstr("is no code such as a05001"));
  EXPECT_THAT(load(kUsual, "[]").problems, HasSubstr("names no point"));
  EXPECT_THAT(load(kUsual + "    adress: x\n", kPoint).problems, HasSubstr("unknown key 'adress'"));
}

}  // namespace
}  // namespace carbongate::hj212_driver

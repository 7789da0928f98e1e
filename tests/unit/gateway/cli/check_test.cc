#include "gateway/cli/check.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace carbongate::cli {
namespace {

const Instant kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21);

struct Checked {
  explicit Checked(std::string_view text) {
    const TemporaryDirectory directory;
    const auto file = directory.path() / "park.yaml";
    std::ofstream(file) << text;
    std::ostringstream out_stream, err_stream;
    status = run_check(file, out_stream, err_stream, kNow);
    out = without(out_stream.str(), directory.path().string() + "/");
    err = without(err_stream.str(), directory.path().string() + "/");
  }
  static std::string without(std::string text, const std::string& part) {
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part)) text.erase(at, part.size());
    return text;
  }
  int status = -1;
  std::string out;
  std::string err;
};

constexpr std::string_view kPark = R"(
site: {id: edz-1, name: 广元经开区一号园区, timezone: Asia/Shanghai, grid_region: CN-SC}
brokers:
  plant: {url: "mqtt://127.0.0.1:1883", username: gw, password_env: CARBONGATE_CHECK_TEST_PASSWORD}
devices:
  - id: press-shop
    driver: mqtt
    broker: plant
    topic: tele/press-shop/SENSOR
    points:
      - {name: energy, json: /ENERGY/Total, unit: kWh, kind: cumulative, power_max: 250 kW}
      - {name: gas, json: /gas, unit: Nm3, kind: cumulative, flow_max: 400 Nm3/h}
energy_users:
  - id: press-shop
    name: 冲压车间
    consumes:
      - {carrier: electricity, from: press-shop.energy}
      - {carrier: natural-gas, from: press-shop.gas, coal_method: gas-field}
store: {path: data}
sinks: [{type: line-protocol, url: "http://127.0.0.1:8428/write", name: vm}]
)";

class Check : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::setenv("CARBONGATE_CHECK_TEST_PASSWORD", "not-a-real-secret", 1), 0); }
};

TEST_F(Check, TellsWhatTheConfigurationSays) {
  const Checked checked(kPark);
  EXPECT_EQ(checked.status, 0);
  EXPECT_EQ(checked.err, "");
  EXPECT_TRUE(
      checked.out.starts_with("site: edz-1  广元经开区一号园区, Asia/Shanghai, grid region CN-SC\n"
                              "devices: 1 with 2 points\n"
                              "  press-shop  mqtt plant, 2 points\n"
                              "energy users: 1 with 2 accounts\n"
                              "  press-shop  冲压车间\n"
                              "    electricity from press-shop.energy: 0.1564 kgCO2/kWh (cn-grid/CN-SC/average/2023"))
      << checked.out;
  EXPECT_NE(checked.out.find("    natural-gas from press-shop.gas: "), std::string::npos) << checked.out;
  EXPECT_NE(checked.out.find("store: data, at most 8GiB, readings kept 190d\nsinks: 1\n  vm\n"), std::string::npos)
      << checked.out;
  EXPECT_EQ(checked.out.find("not-a-real-secret"), std::string::npos);
}

TEST_F(Check, RefusesWithTheStatusOfAWrongConfiguration) {
  std::string text(kPark);
  text.replace(text.find("sinks:"), 6, "sink: ");
  const Checked checked(text);
  EXPECT_EQ(checked.status, 78);
  EXPECT_EQ(checked.out, "");
  EXPECT_EQ(checked.err, "park.yaml:20:1: error: unknown key 'sink'; did you mean 'sinks'?\npark.yaml: 1 error\n");
}

TEST_F(Check, AcceptsWarnings) {
  std::string text(kPark);
  text.replace(text.find("devices:"), 8, "  spare: {url: \"mqtt://127.0.0.1:1884\"}\ndevices:");
  const Checked checked(text);
  EXPECT_EQ(checked.status, 0);
  EXPECT_NE(checked.out, "");
  EXPECT_EQ(checked.err, "park.yaml:5:3: warning: brokers.spare: no device refers to it\npark.yaml: 1 warning\n");
}

}  // namespace
}  // namespace carbongate::cli

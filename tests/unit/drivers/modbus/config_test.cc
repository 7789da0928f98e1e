#include "drivers/modbus/config.h"

#include <gtest/gtest.h>

#include "drivers/modbus/modbus_driver_type.h"
#include "tests/support/hex.h"

namespace carbongate::modbus_driver {
namespace {

using namespace std::chrono_literals;

struct Site {
  std::vector<std::unique_ptr<DevicePlan>> plans;
  std::string problems;

  const ModbusPlan& plan(std::size_t i) const { return static_cast<const ModbusPlan&>(*plans[i]); }
};

// Reads all devices of a site, as the application does.
Site read(const std::string& yaml) {
  Site site;
  config::Problems problems;
  const config::Node root = config::parse_text(yaml, "park.yaml", problems);
  const config::DataFiles data("/nowhere");
  const SharedEntries lines(kLines, root, problems);
  for (const config::Node& item : root.find("devices")->items()) {
    config::Reader in(item, problems);
    const auto driver = in.required<std::string>("driver");
    for (const DriverType& type : {kModbusTcp, kModbusRtu, kModbusRtuTcp}) {
      if (type.name == driver) site.plans.push_back(type.read(in, {root, data, &lines}));
    }
    in.finish();
  }
  site.problems = problems.to_text();
  return site;
}

Site read_device(const std::string& keys) {
  return read("devices:\n  - {id: a, " + keys + "}\n");
}

TEST(ModbusConfig, ReadsTheSampleWithEveryKey) {
  const Site site = read(testing::read_text(CARBONGATE_SOURCE_DIR "/drivers/modbus/sample.yaml"));
  ASSERT_EQ(site.problems, "");
  ASSERT_EQ(site.plans.size(), 4u);

  const ModbusPlan& incomer = site.plan(0);
  EXPECT_EQ(incomer.group(), "10.0.0.5:502");
  EXPECT_EQ(incomer.device.unit, 1);
  EXPECT_EQ(incomer.device.interval, 1s);
  EXPECT_EQ(incomer.device.limits.max_block, 80);
  ASSERT_EQ(incomer.points().size(), 4u);
  EXPECT_EQ(incomer.points()[1].full_name(), "incomer.active_power");
  EXPECT_EQ(incomer.points()[1].limits.max, 300000.0);
  EXPECT_EQ(incomer.points()[1].limits.gap_max, 2min);
  EXPECT_EQ(incomer.points()[1].limits.interval, 1s);
  EXPECT_EQ(incomer.points()[2].limits.power_max_w, 300e3);
  EXPECT_EQ(incomer.device.fields[2].address, 72);
  ASSERT_EQ(incomer.points()[2].history.replaced.size(), 1u);
  EXPECT_EQ(incomer.points()[2].history.replaced[0].final, 12345.6);
  EXPECT_TRUE(incomer.points()[3].limits.runs_back);

  EXPECT_EQ(site.plan(1).group(), "/dev/ttyS1");
  EXPECT_EQ(site.plan(2).group(), "/dev/ttyS1");
  ASSERT_EQ(site.plan(2).points().size(), 1u);
  EXPECT_EQ(site.plan(2).points()[0].limits.rollover_at, std::vector{1e7}) << "8 digits of 0.1";
  EXPECT_EQ(site.plan(2).points()[0].history.ratios.size(), 2u);
  EXPECT_EQ(site.plan(1).line, site.plan(2).line);
  EXPECT_EQ(site.plan(1).device.unit, 7);

  const ModbusPlan& heat = site.plan(3);
  EXPECT_EQ(heat.group(), "converter-2:4001");
  EXPECT_EQ(heat.device.limits, (ReadLimits{.max_block = 20, .max_gap = 0}));
  EXPECT_EQ(heat.device.pause, 100ms);
  EXPECT_EQ(heat.points()[0].limits.rollover_at, std::vector{4294967.296});
  EXPECT_EQ(heat.points()[0].kind, Kind::cumulative);
  EXPECT_EQ(heat.device.fields[3].type, RegisterType::bit);
}

TEST(ModbusConfig, UnderstandsAddresses) {
  const auto text = [](const char* address) {
    const auto endpoint = parse_endpoint(address);
    return endpoint ? endpoint->to_string() : "none";
  };
  EXPECT_EQ(text("10.0.0.5"), "10.0.0.5:502");
  EXPECT_EQ(text("10.0.0.5:1502"), "10.0.0.5:1502");
  EXPECT_EQ(text("gateway-1.plant.example:502"), "gateway-1.plant.example:502");
  EXPECT_EQ(text("[fd00::5]:503"), "[fd00::5]:503");
  EXPECT_EQ(text("[fe80::1%eth0]"), "[fe80::1%eth0]:502");
  for (const char* wrong : {"", ":502", "host:", "host:0", "host:65536", "host:x", "fd00::5", "[fd00::5",
                            "[fd00::5]502", "a b", "tcp://a:502"}) {
    EXPECT_EQ(text(wrong), "none") << wrong;
  }
}

TEST(ModbusConfig, SaysWhatIsWrongAndWhatWasMeant) {
  const auto problems = [](const std::string& keys) { return read_device(keys).problems; };
  EXPECT_EQ(problems("driver: modbus-tcp, address: 'a:502', profile: eastron-sdm63"),
            "park.yaml:2:60: error: devices[0].profile: there is no profile 'eastron-sdm63'; did you mean "
            "'eastron-sdm630'?\n");
  EXPECT_NE(problems("driver: modbus-tcp, address: 'a:b', profile: eastron-sdm630").find("'a:b' is no address"),
            std::string::npos);
  EXPECT_NE(problems("driver: modbus-tcp, profile: eastron-sdm630").find("address: missing"), std::string::npos);
  EXPECT_NE(problems("driver: modbus-tcp, address: a").find("profile: missing"), std::string::npos);
  EXPECT_NE(problems("driver: modbus-tcp, address: a, profile: eastron-sdm630, unit: 248").find("248 is no unit"),
            std::string::npos);
  EXPECT_NE(problems("driver: modbus-tcp, address: a, profile: eastron-sdm630, interval: 50ms").find("out of range"),
            std::string::npos);
  EXPECT_NE(problems("driver: modbus-tcp, address: a, profile: eastron-sdm630, points: [active_powr]")
                .find("devices[0].points[0]: there is no point 'active_powr'; did you mean 'active_power'?"),
            std::string::npos);
  EXPECT_NE(problems("driver: modbus-tcp, address: a, profile: eastron-sdm630, points: [frequency, frequency]")
                .find("there twice"),
            std::string::npos);
  EXPECT_NE(problems("driver: modbus-tcp, address: a, profile: eastron-sdm630, points: []").find("empty list"),
            std::string::npos);
  EXPECT_NE(
      problems("driver: modbus-tcp, adress: a, profile: eastron-sdm630").find("'adress'; did you mean 'address'?"),
      std::string::npos);
  EXPECT_NE(problems("driver: modbus-tcp, address: a, profile: eastron-sdm630, registers: []")
                .find("either a profile or registers"),
            std::string::npos);
  EXPECT_NE(problems("driver: modbus-rtu-tcp, address: a, profile: eastron-sdm630").find("unit: missing"),
            std::string::npos);
  EXPECT_NE(problems("driver: modbus-rtu, unit: 1, profile: eastron-sdm630").find("line: missing"), std::string::npos);
  EXPECT_NE(
      problems("driver: modbus-rtu, line: x, unit: 1, profile: eastron-sdm630").find("unknown line 'x'; there are no `lines`; write 'lines: {x: {port: "),
      std::string::npos);
}

TEST(ModbusConfig, LooksThroughTheSerialLines) {
  const std::string device =
      "devices: [{id: a, driver: modbus-rtu, line: one, unit: 1, profile: eastron-sdm630},"
      " {id: b, driver: modbus-rtu, line: two, unit: 1, profile: eastron-sdm630}]\n";
  EXPECT_EQ(read("lines: {one: {port: /dev/a}, two: {port: /dev/b, parity: none, stop_bits: 2}}\n" + device).problems,
            "");
  EXPECT_NE(read("lines: {one: {port: /dev/a}, two: {port: /dev/a}}\n" + device)
                .problems.find("is the port of line 'one' already"),
            std::string::npos);
  EXPECT_NE(read("lines: {one: {port: /dev/a}, tow: {port: /dev/b}}\n" + device).problems.find("did you mean 'tow'?"),
            std::string::npos);
  EXPECT_NE(read("lines: {one: {port: /dev/a, data_bits: 7}, two: {port: /dev/b}}\n" + device)
                .problems.find("RTU needs 8 data bits"),
            std::string::npos);
  EXPECT_NE(read("lines: {one: {port: /dev/a, baud: 9600}, two: {port: /dev/b}}\n" + device)
                .problems.find("unknown key 'baud'"),
            std::string::npos);
}

TEST(ModbusConfig, EverySerialLineKnowsItsSilence) {
  EXPECT_EQ(modbus::silence_between_frames({.port = "", .baud_rate = 9600}), 5ms);
  EXPECT_EQ(modbus::silence_between_frames({.port = "", .baud_rate = 1200}), 33ms);
  EXPECT_EQ(modbus::silence_between_frames({.port = "", .baud_rate = 115200}), 2ms);
}

}  // namespace
}  // namespace carbongate::modbus_driver

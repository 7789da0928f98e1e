// Payloads as devices really published them, and what must come out. Each is a short factual sample; its source stands
// beside it. Serial numbers and addresses are zeroed.
#include <date/date.h>
#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "drivers/json/payload_map.h"

namespace carbongate::json_payload {
namespace {

using namespace std::chrono_literals;

constexpr Instant kArrival{1'700'000'000s};
constexpr double kNone = -1e300;  // marks "not available"

struct Expected {
  const char* json;
  double value;
  double scale = 1.0;
};

struct Case {
  const char* name;
  const char* payload;
  const char* time_json;  // nullptr: the arrival time
  TimeFormat format;
  const char* zone;
  const char* time;  // expected, UTC
  std::vector<Expected> points;
  std::vector<const char*> absent;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.name;
}

const std::vector<Case>& cases() {
  using enum TimeFormat;
  static const std::vector<Case> all{
      // Tasmota, tele/<device>/SENSOR; local time without an offset. Seen in a public repository.
      {"tasmota_s31",
       R"({"Time":"2023-08-21T15:05:31","ENERGY":{"TotalStartTime":"2022-09-24T18:51:27","Total":196.708,"Yesterday":0.000,"Today":0.000,"Period": 0,"Power": 0,"ApparentPower": 0,"ReactivePower": 0,"Factor":0.00,"Voltage": 0,"Current":0.000}})",
       "/Time",
       iso8601,
       "America/New_York",
       "2023-08-21T19:05:31.000Z",
       {{"/ENERGY/Total", 196.708}, {"/ENERGY/Power", 0}, {"/ENERGY/Voltage", 0}},
       {"/ENERGY/Frequency"}},
      // Tasmota, firmware 5: no apparent or reactive power yet. Seen in a public repository.
      {"tasmota_old_schema",
       R"({"Time":"2018-06-09T16:29:19","ENERGY":{"Total":0.034,"Yesterday":0.000,"Today":0.031,"Period":3,"Power":34,"Factor":0.85,"Voltage":236,"Current":0.170}})",
       "/Time",
       iso8601,
       nullptr,
       "2018-06-09T16:29:19.000Z",
       {{"/ENERGY/Total", 0.034}, {"/ENERGY/Power", 34}},
       {"/ENERGY/ApparentPower", "/ENERGY/ReactivePower"}},
      // Tasmota with two tariffs. Seen in a public repository.
      {"tasmota_two_tariffs",
       R"({"Time":"2024-11-12T23:01:05","ENERGY":{"TotalStartTime":"2024-02-20T22:54:12","Total":711.792,"TotalTariff":[96.965,614.826],"Yesterday":9.928,"Today":10.541,"Period":12,"Power":734,"ApparentPower":769,"ReactivePower":230,"Factor":0.95,"Voltage":242,"Current":3.182}})",
       "/Time",
       iso8601,
       nullptr,
       "2024-11-12T23:01:05.000Z",
       {{"/ENERGY/Total", 711.792}, {"/ENERGY/TotalTariff/0", 96.965}, {"/ENERGY/TotalTariff/1", 614.826}},
       {"/ENERGY/TotalTariff/2"}},
      // Tasmota with three phases: lists where one phase has numbers. github.com/evcc-io/evcc, issue 18879.
      {"tasmota_three_phases",
       R"({"StatusSNS":{"Time":"2025-02-16T21:28:28","ENERGY":{"Total":0,"Power":[1,0,0],"Frequency":[50,50,50],"Voltage":[230,230,230],"Current":[0.022,0,0]}}})",
       "/StatusSNS/Time",
       iso8601,
       nullptr,
       "2025-02-16T21:28:28.000Z",
       {{"/StatusSNS/ENERGY/Power/0", 1}, {"/StatusSNS/ENERGY/Voltage/2", 230}, {"/StatusSNS/ENERGY/Current/0", 0.022}},
       {}},
      // Tasmota with a French meter: watt-hours as a text with leading zeros. Seen in a public repository.
      {"tasmota_teleinfo",
       R"({"Time":"2021-03-13T09:20:26","ENERGY":{"Total":7970.903,"Power":860,"Current":4.000},"TIC":{"BASE":"007970903","IINST":"004","PAPP":"00860","HHPHC":"A"}})",
       "/Time",
       iso8601,
       nullptr,
       "2021-03-13T09:20:26.000Z",
       {{"/ENERGY/Total", 7970.903}, {"/TIC/BASE", 7970903}, {"/TIC/PAPP", 860}},
       {"/ENERGY/Voltage"}},
      // Shelly Pro 3EM, power. AIIDA documentation.
      {"shelly_pro3em_power",
       R"({"src": "shellypro3em-000000000000", "method": "NotifyStatus", "params": {"ts": 1757059829.08, "em:0": {"id": 0, "a_act_power": 0, "c_act_power": -18, "c_voltage": 228.3, "n_current": null, "total_act_power": -18.017, "total_current": 0.531}}})",
       "/params/ts",
       epoch_s,
       nullptr,
       "2025-09-05T08:10:29.080Z",
       {{"/params/em:0/total_act_power", -18.017},
        {"/params/em:0/c_act_power", -18},
        {"/params/em:0/n_current", kNone}},
       {"/params/emdata:0/total_act"}},
      // Shelly Pro 3EM, energy in Wh. AIIDA documentation.
      {"shelly_pro3em_energy",
       R"({"src": "shellypro3em-000000000000", "method": "NotifyStatus", "params": {"ts": 1757060280.21, "emdata:0": {"id": 0, "total_act": 26289.57, "total_act_ret": 131881.86}}})",
       "/params/ts",
       epoch_s,
       nullptr,
       "2025-09-05T08:18:00.210Z",
       {{"/params/emdata:0/total_act", 26289.57}, {"/params/emdata:0/total_act_ret", 131881.86}},
       {"/params/em:0/total_act_power"}},
      // zigbee2mqtt, three phases. github.com/Koenkk/zigbee2mqtt, issue 22639.
      {"zigbee2mqtt_three_phases",
       R"({"current_a":0.745,"energy":1210.03,"last_seen":"2024-07-19T11:04:55+02:00","linkquality":61,"power":155,"power_a":164,"produced_energy":42.99,"voltage_a":234.3})",
       "/last_seen",
       iso8601,
       "Asia/Shanghai",
       "2024-07-19T09:04:55.000Z",
       {{"/energy", 1210.03}, {"/produced_energy", 42.99}, {"/power", 155}},
       {}},
      // zigbee2mqtt, an attribute that was never reported. github.com/Koenkk/zigbee2mqtt, issue 7700.
      {"zigbee2mqtt_null_energy",
       R"({"current":383,"energy":null,"linkquality":177,"power":71,"power_outage_memory":null,"state":null,"voltage":243})",
       nullptr,
       iso8601,
       nullptr,
       "2023-11-14T22:13:20.000Z",
       {{"/energy", kNone}, {"/power", 71}, {"/current", 0.383, 0.001}},
       {}},
      // zigbee2mqtt, a channel with a time of its own. github.com/dlnraja/com.tuya.zigbee, issue 323.
      {"zigbee2mqtt_channel",
       R"({"energy_b":149.62,"energy_produced_b":637.04,"power_b":8.3,"power_factor_b":4,"timestamp_a":"2026-05-19T08:20:31.232Z","timestamp_b":"2026-05-19T08:20:31.588Z"})",
       "/timestamp_b",
       iso8601,
       nullptr,
       "2026-05-19T08:20:31.588Z",
       {{"/energy_b", 149.62}, {"/power_b", 8.3}, {"/power_factor_b", 0.04, 0.01}},
       {}},
      // zigbee2mqtt, `output: attribute`: one number for each topic. github.com/Koenkk/zigbee2mqtt, issue 32463.
      {"zigbee2mqtt_attribute", "12.05", nullptr, iso8601, nullptr, "2023-11-14T22:13:20.000Z", {{"", 12.05}}, {}},
      // mbmd's Homie publisher: three decimals always. Format of github.com/volkszaehler/mbmd (BSD-3-Clause).
      {"homie_value", "1234.500", nullptr, iso8601, nullptr, "2023-11-14T22:13:20.000Z", {{"", 1234.5}}, {}},
      // Acrel ADL400 behind an AWT100: local time in one piece, energy on the secondary side of a CT 40.
      {"acrel_adl400",
       R"({"type": "data", "time": "20211124101800", "gwSN": "00000000000001", "meterSN": "00000000000004", "meterName": "adl400", "meterStatus": "normal", "ua": 221, "pt": 1, "ct": 40, "wh": 8.98})",
       "/time",
       compact,
       "Asia/Shanghai",
       "2021-11-24T02:18:00.000Z",
       {{"/wh", 359.2, 40}, {"/ua", 221}},
       {"/ia"}},
      // ThingsBoard telemetry with a time (documentation, Apache-2.0).
      {"thingsboard",
       R"({"ts": 1451649600512, "values": {"temperature": 42, "humidity": 73}})",
       "/ts",
       epoch_ms,
       nullptr,
       "2016-01-01T12:00:00.512Z",
       {{"/values/temperature", 42}, {"/values/humidity", 73}},
       {}},
  };
  return all;
}

class RealPayloads : public ::testing::TestWithParam<Case> {};

TEST_P(RealPayloads, BecomeTheValuesTheDeviceMeant) {
  const Case& c = GetParam();
  PayloadMap map;
  for (const Expected& point : c.points) {
    map.points.push_back({.json = point.json, .numerator = point.scale, .time = std::nullopt, .error = std::nullopt});
  }
  for (const char* pointer : c.absent)
    map.points.push_back({.json = pointer, .time = std::nullopt, .error = std::nullopt});
  if (c.time_json != nullptr) {
    map.timestamp = {.json = c.time_json, .format = c.format, .zone = c.zone == nullptr ? nullptr : find_zone(c.zone)};
  }

  const Decoded decoded = decode(map, c.payload, kArrival);

  EXPECT_TRUE(decoded.problems.empty()) << decoded.problems.front();
  ASSERT_EQ(decoded.samples.size(), c.points.size());
  for (std::size_t i = 0; i < c.points.size(); ++i) {
    const Sample& sample = decoded.samples[i];
    EXPECT_EQ(sample.point, i);
    EXPECT_EQ(date::format("%FT%TZ", sample.at), c.time);
    if (c.points[i].value == kNone) {
      EXPECT_EQ(sample.availability, Availability::not_available) << c.points[i].json;
    } else {
      EXPECT_EQ(sample.availability, Availability::available) << c.points[i].json;
      EXPECT_DOUBLE_EQ(sample.value, c.points[i].value) << c.points[i].json;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seen, RealPayloads, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return std::string(test.param.name); });

// One message of a ThingsBoard gateway, with several devices and times (documentation, Apache-2.0).
TEST(RealPayloads, OfAGatewayHoldSeveralRecords) {
  PayloadMap map;
  map.records = "/Device A";
  map.timestamp = {.json = "/ts", .format = TimeFormat::epoch_ms};
  map.points.push_back({.json = "/values/temperature", .time = std::nullopt, .error = std::nullopt});
  const Decoded decoded = decode(
      map,
      R"({"Device A": [{"ts": 1483228800000, "values": {"temperature": 42, "humidity": 80}}, {"ts": 1483228801000, "values": {"temperature": 43, "humidity": 82}}], "Device B": [{"ts": 1483228800000, "values": {"temperature": 42, "humidity": 80}}]})",
      kArrival);
  ASSERT_EQ(decoded.samples.size(), 2u);
  EXPECT_EQ(decoded.samples[1].value, 43);
  EXPECT_EQ(decoded.samples[1].at, Instant(1483228801000ms));
}

}  // namespace
}  // namespace carbongate::json_payload

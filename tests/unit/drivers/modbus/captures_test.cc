// What real devices sent means, by the profiles that are shipped, what those who captured it say it means.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>
#include <map>

#include "config/reader/data_files.h"
#include "drivers/modbus/profile.h"
#include "protocols/modbus/rtu_frame.h"
#include "protocols/modbus/tcp_frame.h"
#include "protocols/wire/byte_writer.h"
#include "tests/support/hex.h"

namespace carbongate::modbus_driver {
namespace {

namespace json = boost::json;
using testing::from_hex;

json::value load(const std::string& name) {
  return json::parse(testing::read_text(CARBONGATE_SOURCE_DIR "/tests/unit/drivers/modbus/captures/" + name + ".json"));
}

Profile profile(const std::string& name) {
  config::Problems problems;
  const auto file = config::DataFiles("/nowhere").find("profiles", name);
  const config::Node node = config::parse_text(file.value().text, name, problems);
  config::Reader in(node, problems);
  return read_profile(in);
}

wire::Bytes bytes_of(const json::array& registers) {
  wire::ByteWriter out(2 * registers.size());
  for (const json::value& word : registers) out.u16(word.to_number<std::uint16_t>());
  return *out.take();
}

// Decodes every register of the profile that lies within the block; by address.
std::map<int, Value> decode_block(const Profile& profile, int function, int address, std::span<const std::byte> data) {
  std::map<int, Value> out;
  for (const ProfileRegister& reg : profile.registers) {
    const RegisterField& field = reg.field;
    const bool inside = static_cast<int>(field.function) == function && field.address >= address &&
                        field.end() <= static_cast<unsigned>(address) + data.size() / 2;
    if (inside) out[field.address] = decode_value(field, static_cast<std::uint16_t>(address), data);
  }
  return out;
}

// Every expectation at whose address the profile has a register is met; returns how many those were.
int expect_values(const std::map<int, Value>& values, const json::array& expected, const char* key) {
  int compared = 0;
  for (const json::value& e : expected) {
    const auto found = values.find(e.at("address").to_number<int>());
    if (found == values.end()) continue;
    ++compared;
    SCOPED_TRACE(json::serialize(e));
    if (e.at(key).is_null()) {
      EXPECT_EQ(found->second.availability, Availability::not_available);
      continue;
    }
    const double wanted = e.at(key).to_number<double>();
    EXPECT_EQ(found->second.availability, Availability::available);
    // Scaled integers are exact; floats are stated with nine digits.
    const bool is_float = e.at("type").as_string() == "float32";
    EXPECT_NEAR(found->second.number, wanted, is_float ? std::abs(wanted) * 1e-8 : 0.0);
  }
  return compared;
}

int check_capture(const std::string& capture, const std::string& profile_name) {
  const Profile map = profile(profile_name);
  int compared = 0;
  const json::value captured = load(capture);
  for (const json::value& exchange : captured.at("exchanges").as_array()) {
    const json::object& e = exchange.as_object();
    if (!e.contains("expected") || !e.contains("registers") || !e.contains("address")) continue;
    const wire::Bytes data = bytes_of(e.at("registers").as_array());
    const auto values = decode_block(map, e.at("function").to_number<int>(), e.at("address").to_number<int>(), data);
    compared += expect_values(values, e.at("expected").as_array(), "value");
  }
  return compared;
}

TEST(Captures, EastronSdm630) {
  EXPECT_EQ(check_capture("eastron_sdm630_rtu_over_tcp", "eastron-sdm630"), 3);
}
TEST(Captures, EastronSdm630Document) {
  EXPECT_EQ(check_capture("eastron_sdm_documentation_example", "eastron-sdm630"), 1);
}
TEST(Captures, EastronSdm230) {
  EXPECT_EQ(check_capture("eastron_sdm230_full_sweep", "eastron-sdm230"), 14);
}
TEST(Captures, EastronSdm120ReadsTheSameBlock) {
  EXPECT_EQ(check_capture("eastron_sdm230_full_sweep", "eastron-sdm120"), 13);
}
TEST(Captures, HuaweiSun2000) {
  EXPECT_EQ(check_capture("huawei_sun2000_strings_tcp", "huawei-sun2000"), 4);
}
TEST(Captures, Tsun) {
  EXPECT_EQ(check_capture("tsun_mx3000d", "tsun-mx3000d"), 4);
}

// ET112 has the layout of its series: voltage of the first phase at 0, low word first. Function 3 and 4 both answer.
TEST(Captures, CarloGavazzi) {
  const Profile map = profile("carlo-gavazzi-em340");
  const json::value captured = load("carlo_gavazzi_et112");
  const json::value& exchange = captured.at("exchanges").at(0);
  const auto values = decode_block(map, 4, 0, bytes_of(exchange.at("registers").as_array()));
  EXPECT_EQ(expect_values(values, exchange.at("expected").as_array(), "value"), 1);
  EXPECT_EQ(values.at(0).number, 233.1);
}

// The log has no addresses; group 0 is the voltages, group 1 the currents.
TEST(Captures, Orno) {
  const Profile map = profile("orno-we517");
  const std::map<std::string, int> addresses{
      {"voltage_v_L1", 14}, {"voltage_v_L2", 16}, {"voltage_v_L3", 18}, {"current_a_L1", 22}, {"current_a_L2", 24}};
  const json::value captured = load("orno_we517_tasmota_log");
  for (const json::value& frame : captured.at("frames").as_array()) {
    const auto bytes = from_hex(frame.at("response_hex").as_string());
    const auto decoded = modbus::decode_rtu(bytes, modbus::Side::response);
    const int address = addresses.at(frame.at("quantity").as_string().c_str());
    const auto values = decode_block(map, 3, address, (**decoded).pdu.subspan(2));
    EXPECT_EQ(static_cast<float>(values.at(address).number), frame.at("expected").to_number<float>());
  }
}

TEST(Captures, GoodWe) {
  const Profile map = profile("goodwe-dt");
  int compared = 0;
  const json::value captured = load("goodwe_inverters");
  for (const json::value& c : captured.at("cases").as_array()) {
    SCOPED_TRACE(c.at("file").as_string().c_str());
    const auto frame = from_hex(c.at("frame_hex").as_string());
    // MBAP header, or "AA 55" before unit and PDU; either way the data begins behind the byte count.
    const bool tcp = c.at("transport").as_string() == "Modbus TCP";
    const std::size_t data_at = tcp ? 9 : 5;
    const auto data = std::span(frame).subspan(data_at, 2 * c.at("returned_words").to_number<std::size_t>());
    const auto values =
        decode_block(map, c.at("function").to_number<int>(), c.at("first_register").to_number<int>(), data);
    compared += expect_values(values, c.at("values").as_array(), "expected");
  }
  EXPECT_EQ(compared, 118);
}

// Well-formed zeros from a gateway that does not reach its meter are read as what they are; they are not hidden here.
TEST(Captures, AGatewayThatAnswersZeros) {
  const json::value captured = load("eastron_sdm630_tcp_gateway_zeros");
  for (const json::value& exchange : captured.at("exchanges").as_array()) {
    const auto bytes = from_hex(exchange.at("response_hex").as_string());
    const auto frame = modbus::decode_tcp(bytes);
    EXPECT_EQ((**frame).transaction, exchange.at("transaction_id").to_number<unsigned>());
    EXPECT_TRUE(modbus::match_answer({modbus::Function::read_holding_registers, 0, 2}, (**frame).pdu).has_value());
  }
}

// Every whole frame of every capture has the CRC it was captured with.
TEST(Captures, FramesAreWhole) {
  int frames = 0;
  for (const char* name : {"carlo_gavazzi_et112", "chint_ddsu666_single_phase", "eastron_sdm630_rtu_over_tcp",
                           "edp_box_tasmota", "esphome_write_and_poll_frames", "huawei_dtsu666h_probe_by_sun2000",
                           "tsun_mx3000d", "wago_sen0492_null_glitches"}) {
    const json::value captured = load(name);
    for (const json::value& exchange : captured.at("exchanges").as_array()) {
      for (const auto& [key, side] :
           {std::pair{"request_hex", modbus::Side::request}, std::pair{"response_hex", modbus::Side::response}}) {
        const auto* hex = exchange.as_object().if_contains(key);
        if (!hex || hex->is_null()) continue;
        const auto bytes = from_hex(hex->as_string());
        const auto frame = modbus::decode_rtu(bytes, side);
        ASSERT_TRUE(frame && *frame) << hex->as_string();
        EXPECT_EQ((**frame).bytes, bytes.size());
        ++frames;
      }
    }
  }
  EXPECT_GE(frames, 30);
}

}  // namespace
}  // namespace carbongate::modbus_driver

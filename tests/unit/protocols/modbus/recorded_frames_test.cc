// Frames recorded between libmodbus and pymodbus mean to us what they meant to them.
#include <gtest/gtest.h>

#include "protocols/modbus/rtu_frame.h"
#include "protocols/modbus/tcp_frame.h"
#include "tests/unit/protocols/modbus/vectors.h"

namespace carbongate::modbus {
namespace {

using Object = boost::json::object;

void expect_request(std::span<const std::byte> pdu, const Object& expected) {
  const auto request = parse_request(pdu);
  ASSERT_TRUE(request.has_value());
  if (const auto* read = std::get_if<ReadRequest>(&*request)) {
    EXPECT_EQ(static_cast<int>(read->function), expected.at("function").as_int64());
    EXPECT_EQ(read->address, expected.at("address").as_int64());
    EXPECT_EQ(read->count, expected.at("count").as_int64());
    EXPECT_EQ(testing::to_hex(encode(*read)), testing::to_hex(pdu));
  } else {
    const auto& write = std::get<WriteSingle>(*request);
    EXPECT_EQ(write.function, expected.at("function").as_int64());
    EXPECT_EQ(write.address, expected.at("address").as_int64());
    if (const auto* value = expected.if_contains("value")) EXPECT_EQ(write.value, value->as_int64());
    if (const auto* coil = expected.if_contains("coil")) EXPECT_EQ(write.value != 0, coil->as_bool());
  }
}

void expect_response(std::span<const std::byte> pdu, const Object& expected) {
  const auto response = parse_response(pdu);
  ASSERT_TRUE(response.has_value());
  if (expected.contains("exception")) {
    EXPECT_EQ(std::get<Exception>(*response).function, expected.at("function").as_int64());
    EXPECT_EQ(std::get<Exception>(*response).code, expected.at("exception_code").as_int64());
  } else if (expected.contains("registers")) {
    EXPECT_EQ(std::get<Registers>(*response).values,
              boost::json::value_to<std::vector<std::uint16_t>>(expected.at("registers")));
  } else if (expected.contains("bits")) {
    auto bits = std::get<Bits>(*response).values;
    const auto& wanted = expected.at("bits").as_array();
    bits.resize(wanted.size());
    for (std::size_t i = 0; i < bits.size(); ++i) EXPECT_EQ(bits[i], wanted[i].as_bool()) << i;
  } else {
    EXPECT_TRUE(std::holds_alternative<WriteSingle>(*response));
  }
}

TEST(RecordedFrames, OfTcpMeanTheSame) {
  const auto vectors = load_vectors("tcp_libmodbus_pymodbus.json");
  for (const auto& c : vectors.at("cases").as_array()) {
    SCOPED_TRACE(c.at("id").as_string().c_str());
    const auto request = hex_at(c, "request_adu_hex");
    const auto frame = decode_tcp(request);
    ASSERT_TRUE(frame && *frame);
    EXPECT_EQ((**frame).unit, c.at("unit").as_int64());
    expect_request((**frame).pdu, c.at("request").as_object());
    if (c.at("response_adu_hex").is_null()) continue;
    const auto response = hex_at(c, "response_adu_hex");
    expect_response((**decode_tcp(response)).pdu, c.at("response").as_object());
  }
}

TEST(RecordedFrames, OfRtuMeanTheSame) {
  const auto vectors = load_vectors("rtu_libmodbus_pymodbus.json");
  for (const auto& c : vectors.at("cases").as_array()) {
    SCOPED_TRACE(c.at("id").as_string().c_str());
    const auto request = hex_at(c, "request_frame_hex");
    const auto response = hex_at(c, "response_frame_hex");
    EXPECT_EQ((**decode_rtu(request, Side::request)).unit, c.at("unit").as_int64());
    expect_request((**decode_rtu(request, Side::request)).pdu, c.at("request").as_object());
    expect_response((**decode_rtu(response, Side::response)).pdu, c.at("response").as_object());
  }
}

}  // namespace
}  // namespace carbongate::modbus

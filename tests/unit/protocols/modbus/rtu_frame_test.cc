#include "protocols/modbus/rtu_frame.h"

#include <gtest/gtest.h>

#include "tests/unit/protocols/modbus/vectors.h"

namespace carbongate::modbus {
namespace {

using testing::from_hex;
using testing::to_hex;

constexpr const char* kAnswer = "01 03 04 01 2c 00 46 bb f4";

TEST(RtuFrame, AgreesWithPymodbus) {
  const auto vectors = load_vectors("framer_pymodbus.json");
  for (const auto& c : vectors.at("cases").as_array()) {
    if (c.at("transport").as_string() != "rtu") continue;
    const auto unit = c.at("unit").to_number<std::uint8_t>();
    const auto pdu = hex_at(c, "pdu_hex");
    EXPECT_EQ(to_hex(encode_rtu(unit, pdu)), to_hex(hex_at(c, "frame_hex")));
  }
}

TEST(RtuFrame, KnowsTheLengthOfEveryRecordedFrame) {
  const auto vectors = load_vectors("rtu_libmodbus_pymodbus.json");
  for (const auto& c : vectors.at("cases").as_array()) {
    const auto request = hex_at(c, "request_frame_hex");
    const auto response = hex_at(c, "response_frame_hex");
    EXPECT_EQ((**decode_rtu(request, Side::request)).bytes, request.size());
    EXPECT_EQ((**decode_rtu(response, Side::response)).bytes, response.size());
  }
}

TEST(RtuFrame, WaitsForEveryByte) {
  const auto whole = from_hex(kAnswer);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto decoded = decode_rtu(std::span(whole).first(size), Side::response);
    ASSERT_TRUE(decoded.has_value()) << size;
    EXPECT_FALSE(decoded->has_value()) << size;
  }
}

TEST(RtuFrame, DoesNotGuessALengthItCannotKnow) {
  EXPECT_EQ(decode_rtu(from_hex("01 64 00 00"), Side::request).error(), make_error_code(Error::unknown_length));
  EXPECT_EQ(decode_rtu(from_hex("01 18 ff ff"), Side::response).error(), make_error_code(Error::bad_byte_count));
}

TEST(RtuReceiver, FindsAFrameThatComesByteByByte) {
  RtuReceiver line(Side::response);
  const auto whole = from_hex(kAnswer);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_FALSE(line.next().has_value());
    line.feed(std::span(whole).subspan(i, 1));
  }
  EXPECT_EQ(to_hex(line.next()->pdu), "0304012c0046");
  EXPECT_EQ(line.noise_bytes(), 0u);
}

TEST(RtuReceiver, FindsFramesThatComeTogether) {
  RtuReceiver line(Side::response);
  line.feed(from_hex("01 03 04 01 2c 00 46 bb f4 01 84 04 42 c3"));
  EXPECT_EQ(to_hex(line.next()->pdu), "0304012c0046");
  EXPECT_EQ(to_hex(line.next()->pdu), "8404");
  EXPECT_FALSE(line.next().has_value());
  EXPECT_EQ(line.pending(), 0u);
}

TEST(RtuReceiver, DoesNotWaitForWhatABrokenBeginningPromises) {
  RtuReceiver line(Side::response);
  line.feed(from_hex("01 03 fa 00 00"));  // promises 250 bytes, and is cut off
  EXPECT_FALSE(line.next().has_value());
  line.feed(from_hex(kAnswer));
  EXPECT_EQ(to_hex(line.next()->pdu), "0304012c0046");
  EXPECT_EQ(line.noise_bytes(), 5u);
}

TEST(RtuReceiver, SkipsTheEchoOfItsOwnRequest) {
  RtuReceiver line(Side::response);
  line.feed(
      from_hex("01 03 30 0e 00 02 aa c8"));  // what a two-wire adapter hears of us; its CRC is right for a request
  line.feed(from_hex(kAnswer));
  EXPECT_EQ(to_hex(line.next()->pdu), "0304012c0046");
}

TEST(RtuReceiver, HoldsAndCountsNoMoreThanItsLimit) {
  RtuReceiver line(Side::response);
  const std::vector<std::byte> noise(256, std::byte{0x55});
  for (int i = 0; i < 100; ++i) {
    line.feed(noise);
    while (line.next()) {
    }
    EXPECT_LE(line.pending(), RtuReceiver::kLineBytesMax);
  }
  line.clear();
  EXPECT_EQ(line.noise_bytes(), 25'600u);
}

}  // namespace
}  // namespace carbongate::modbus

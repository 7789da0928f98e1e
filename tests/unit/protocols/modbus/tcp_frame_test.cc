#include "protocols/modbus/tcp_frame.h"

#include <gtest/gtest.h>

#include "tests/unit/protocols/modbus/vectors.h"

namespace carbongate::modbus {
namespace {

using testing::from_hex;
using testing::to_hex;

TEST(TcpFrame, AgreesWithPymodbus) {
  const auto vectors = load_vectors("framer_pymodbus.json");
  for (const auto& c : vectors.at("cases").as_array()) {
    if (c.at("transport").as_string() != "tcp") continue;
    const auto transaction = c.at("transaction_id").to_number<std::uint16_t>();
    const auto unit = c.at("unit").to_number<std::uint8_t>();
    const auto frame = hex_at(c, "frame_hex");
    EXPECT_EQ(to_hex(encode_tcp(transaction, unit, hex_at(c, "pdu_hex"))), to_hex(frame));
    const auto decoded = **decode_tcp(frame);
    EXPECT_EQ(decoded.transaction, transaction);
    EXPECT_EQ(decoded.unit, unit);
    EXPECT_EQ(to_hex(decoded.pdu), to_hex(hex_at(c, "pdu_hex")));
    EXPECT_EQ(decoded.bytes, frame.size());
  }
}

TEST(TcpFrame, WaitsForEveryByte) {
  const auto whole = from_hex("0001 0000 0006 ff 02 0102 0008");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto decoded = decode_tcp(std::span(whole).first(size));
    ASSERT_TRUE(decoded.has_value()) << size;
    EXPECT_FALSE(decoded->has_value()) << size;
  }
}

TEST(TcpFrame, SeesTheEndOfTheFirstOfTwo) {
  const auto two = from_hex("0000 0000 0006 00 03 007c 0002 0000 0000 0006 00 03 007c 0002");
  EXPECT_EQ((**decode_tcp(two)).bytes, 12u);
}

TEST(TcpFrame, RefusesWhatIsNoModbusAsSoonAsItShows) {
  EXPECT_EQ(decode_tcp(from_hex("4854 5450")).error(), make_error_code(Error::bad_protocol));  // "HTTP"
  EXPECT_EQ(decode_tcp(from_hex("0001 0000 0001")).error(), make_error_code(Error::bad_length));
  EXPECT_EQ(decode_tcp(from_hex("0001 0000 00ff")).error(), make_error_code(Error::bad_length));
  EXPECT_TRUE(decode_tcp(from_hex("0001 0000 00fe")).has_value());
}

}  // namespace
}  // namespace carbongate::modbus

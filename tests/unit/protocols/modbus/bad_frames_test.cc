// Every case of bad_frames.json behaves as its "expect" says. What a session makes of them is session_fsm_test's
// matter.
#include <gtest/gtest.h>

#include <optional>

#include "protocols/modbus/rtu_frame.h"
#include "protocols/modbus/tcp_frame.h"
#include "tests/unit/protocols/modbus/vectors.h"

namespace carbongate::modbus {
namespace {

using testing::to_hex;

boost::json::value find_case(std::string_view id) {
  const auto vectors = load_vectors("bad_frames.json");
  for (const auto& c : vectors.at("cases").as_array()) {
    if (c.at("id").as_string() == id) return c;
  }
  ADD_FAILURE() << "no case " << id;
  return {};
}

struct Heard {
  std::vector<std::string> frames;  // unit and PDU
  std::uint64_t noise_bytes;
  std::uint64_t bad_crcs;
};

Heard hear(std::string_view id, Side side = Side::response) {
  RtuReceiver line(side);
  line.feed(hex_at(find_case(id), "received_hex"));
  Heard heard{};
  while (const auto frame = line.next()) heard.frames.push_back(std::to_string(frame->unit) + ":" + to_hex(frame->pdu));
  line.clear();
  heard.noise_bytes = line.noise_bytes();
  heard.bad_crcs = line.bad_crcs();
  return heard;
}

using Frames = std::vector<std::string>;

// What answers the request that is pending, as a session checks it: unit, then function and count.
boost::system::error_code judge_pending(std::string_view id) {
  const auto c = find_case(id);
  const auto& pending = c.at("pending");
  const auto received = hex_at(c, "received_hex");
  const auto frame = decode_rtu(received, Side::response);
  if (!frame) return frame.error();
  if ((**frame).unit != pending.at("unit").to_number<unsigned>()) return Error::wrong_unit;
  const ReadRequest request{static_cast<Function>(pending.at("function").to_number<int>()),
                            pending.at("address").to_number<std::uint16_t>(),
                            pending.at("count").to_number<std::uint16_t>()};
  const auto answer = match_answer(request, (**frame).pdu);
  return answer ? boost::system::error_code() : answer.error();
}

TEST(BadFrames, ABadCrcIsNoMessageAndCounted) {
  const Heard heard = hear("rtu-bad-crc");
  EXPECT_EQ(heard.frames, Frames{});
  EXPECT_EQ(heard.bad_crcs, 1u);
  EXPECT_EQ(heard.noise_bytes, 5u);
}

TEST(BadFrames, AGoodFrameBehindABadOneIsHeard) {
  const Heard heard = hear("rtu-bad-crc-then-good");
  EXPECT_EQ(heard.frames, Frames{"0:8302"});
  EXPECT_EQ(heard.noise_bytes, 5u);
  EXPECT_EQ(heard.bad_crcs, 1u);
}

TEST(BadFrames, GlitchesAroundAFrameAreNoise) {
  const Heard heard = hear("rtu-null-glitches");
  EXPECT_EQ(heard.frames, Frames{"1:040443696978"});
  EXPECT_EQ(heard.noise_bytes, 2u);
}

TEST(BadFrames, AnAnswerMustFitTheRequestThatIsPending) {
  EXPECT_EQ(judge_pending("rtu-response-crc-error"), make_error_code(Error::bad_crc));
  EXPECT_EQ(judge_pending("rtu-response-wrong-unit"), make_error_code(Error::wrong_unit));
  EXPECT_EQ(judge_pending("rtu-response-wrong-function"), make_error_code(Error::wrong_function));
  EXPECT_EQ(judge_pending("rtu-response-wrong-length"), make_error_code(Error::wrong_count));
  EXPECT_EQ(judge_pending("rtu-good-reference"), boost::system::error_code());
}

TEST(BadFrames, ARequestWithABadCrcIsDropped) {
  const Heard heard = hear("rtu-request-crc-error", Side::request);
  EXPECT_EQ(heard.frames, Frames{});
  EXPECT_EQ(heard.bad_crcs, 1u);
}

TEST(BadFrames, TwoTcpFramesInOneSegmentAreTwo) {
  const auto bytes = hex_at(find_case("tcp-two-adus-one-segment"), "received_hex");
  const auto first = **decode_tcp(bytes);
  EXPECT_EQ(first.bytes, 12u);
  EXPECT_EQ((**decode_tcp(std::span(bytes).subspan(first.bytes))).bytes, 12u);
}

TEST(BadFrames, ATcpFrameSplitBehindItsHeaderIsOne) {
  const auto c = find_case("tcp-split-after-header");
  const auto& segments = c.at("segments_hex").as_array();
  auto bytes = testing::from_hex(segments[0].as_string());
  EXPECT_FALSE(decode_tcp(bytes)->has_value());
  for (const std::byte byte : testing::from_hex(segments[1].as_string())) bytes.push_back(byte);
  EXPECT_EQ(to_hex((**decode_tcp(bytes)).pdu), "0201020008");
}

}  // namespace
}  // namespace carbongate::modbus

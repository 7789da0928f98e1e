// A session that is asked for a poll out of turn, what it keeps of its frames, and how busy it says its line is.
#include <gtest/gtest.h>

#include "drivers/modbus/session_fsm.h"
#include "tests/support/hex.h"
#include "tests/unit/drivers/modbus/scripted_line.h"

namespace carbongate::modbus_driver {
namespace {

using testing::from_hex;
using testing::to_hex;
using State = DeviceStatus::State;
using Direction = Frame::Direction;

std::vector<SessionFsm::Answered> ask_at(ScriptedLine& line, Duration when, std::size_t device, Duration until) {
  line.run_until(when);
  line.session.ask(device, line.now());
  line.run_until(until);
  return line.session.take_answered();
}

TEST(SessionAsk, PollsAtOnceAndLeavesTheGridAlone) {
  ScriptedLine line({meter(1, 10s, {7})}, answer_all);
  const auto answered = ask_at(line, 3s, 0, 25s);
  EXPECT_EQ(line.asked_at, (std::vector<Duration>{0ms, 3s, 10s, 20s}));
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].trouble, "");
  ASSERT_EQ(answered[0].delivery.values.size(), 1U);
  EXPECT_EQ(answered[0].delivery.values[0].value.number, 7.0);
  EXPECT_EQ(answered[0].delivery.values[0].at, kWallStart + 3005ms);
  EXPECT_EQ(line.deliveries.size(), 4U) << "what is read is recorded, too";
  EXPECT_EQ(line.status().skipped, 0U);
}

TEST(SessionAsk, APollThatIsDueAnywayWillDo) {
  ScriptedLine line({meter(1, 10s)}, answer_all);
  const auto answered = ask_at(line, 10s, 0, 15s);
  EXPECT_EQ(line.asked_at, (std::vector<Duration>{0ms, 10s}));
  EXPECT_EQ(answered.size(), 1U);
}

TEST(SessionAsk, GoesBeforeAllThatWaits) {
  std::vector<PolledDevice> devices;
  for (std::uint8_t unit = 1; unit <= 9; ++unit) devices.push_back(meter(unit, 10s));
  ScriptedLine line(devices, answer_all);
  line.run_until(10'000ms);
  line.session.ask(8, line.now());
  line.run_until(10'020ms);
  ASSERT_GE(line.asked.size(), 10U);
  EXPECT_EQ(line.asked[9].unit, 9);
}

TEST(SessionAsk, OneThatFallsDueMeanwhileIsPolledAllTheSame) {
  ScriptedLine line({meter(1, 10s)}, answer_all);
  line.round_trip = 300ms;
  ask_at(line, 9'900ms, 0, 12s);
  EXPECT_EQ(line.asked_at, (std::vector<Duration>{0ms, 9'900ms, 10'200ms}));
  EXPECT_EQ(line.status().skipped, 0U);
}

TEST(SessionAsk, SaysWhyNothingCameAndMakesNoPauseLonger) {
  ScriptedLine line({meter(1, 10s)}, answer_none);
  line.run_until(40s);
  const auto pauses = line.asked_at;
  ScriptedLine asked({meter(1, 10s)}, answer_none);
  const auto answered = ask_at(asked, 15s, 0, 40s);
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].trouble, "no answer within 1000 ms");
  EXPECT_TRUE(answered[0].delivery.values.empty());
  std::vector<Duration> others = asked.asked_at;
  EXPECT_EQ(std::erase(others, 15s), 1U);
  EXPECT_EQ(others, pauses);
}

TEST(SessionAsk, ASilentOneThatAnswersAgainIsBackAtItsPace) {
  bool silent = true;
  ScriptedLine line({meter(1, 1s)}, [&](const Asked& asked) { return silent ? std::nullopt : answer_all(asked); });
  line.run_until(5min);
  silent = false;
  line.session.ask(0, line.now());
  const Duration began = line.elapsed;
  line.run_until(began + 5s);
  EXPECT_EQ(line.status().state, State::online);
  EXPECT_GE(line.delivered_at[0].size(), 5U);
}

TEST(SessionAsk, PartOfTheValuesComesWithWhatWasMissing) {
  ScriptedLine line({meter(1, 10s, {0, 1000})}, [](const Asked& asked) {
    return asked.request.address == 1000 ? exception_answer(asked.request, 6) : registers_answer(asked.request);
  });
  const auto answered = ask_at(line, 5s, 0, 6s);
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].delivery.values.size(), 1U);
  EXPECT_EQ(answered[0].trouble, "exception 6 (server device busy) at holding registers 1000..1000");
}

TEST(SessionAsk, ConnectsAtOnceAndSaysWhyThatFailed) {
  ScriptedLine line({meter(1, 10s)}, answer_all);
  line.reachable = false;
  line.run_until(2min);
  const auto before = line.connects.size();
  line.session.ask(0, line.now());
  line.run_until(2min + 1ms);
  EXPECT_EQ(line.connects.size(), before + 1);
  auto answered = line.session.take_answered();
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].trouble, "connection refused");
  line.reachable = true;
  line.session.ask(0, line.now());
  line.run_until(2min + 100ms);
  answered = line.session.take_answered();
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].trouble, "");
  EXPECT_EQ(answered[0].delivery.values.size(), 1U);
}

TEST(SessionAsk, OpensAConnectionThatRests) {
  ScriptedLine line({meter(1, 10s)}, answer_all);
  line.run_until(500ms);
  line.session.lost(line.now(), "the device closed the connection");
  EXPECT_TRUE(line.session.is_resting());
  const auto answered = ask_at(line, 3s, 0, 21s);
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].trouble, "");
  EXPECT_EQ(line.asked_at, (std::vector<Duration>{0ms, 3s, 10s, 20s}));
}

TEST(SessionAsk, ADeviceThatHangsUpIsNotAskedForEver) {
  ScriptedLine line({meter(1, 10s)}, answer_none);
  line.run_until(100ms);
  line.session.lost(line.now(), "the device closed the connection");  // the usual poll is cut off
  line.session.ask(0, line.now());
  line.run_until(500ms);
  line.session.lost(line.now(), "the device closed the connection");
  const auto answered = line.session.take_answered();
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].trouble, "the device closed the connection");
}

TEST(SessionAsk, TwoWhoAskAtATimeShareAPoll) {
  ScriptedLine line({meter(1, 10s)}, answer_none);
  line.run_until(5s);
  line.session.ask(0, line.now());
  line.session.ask(0, line.now());
  line.run_until(5'100ms);  // under way
  const auto polls = line.status().polls;
  line.session.ask(0, line.now());
  line.run_until(7s);
  EXPECT_EQ(line.status().polls, polls);
  EXPECT_EQ(line.session.take_answered().size(), 1U);
}

// Direction, bytes and trouble of what is kept of a device.
std::vector<std::string> frames_of(const ScriptedLine& line, std::size_t device = 0) {
  std::vector<std::string> all;
  const FrameLog& log = line.session.frames(device);
  for (std::size_t i = 0; i < log.size(); ++i) {
    const char* direction = log[i].direction == Direction::sent       ? "> "
                            : log[i].direction == Direction::received ? "< "
                                                                      : "- ";
    all.push_back(direction + to_hex(log[i].bytes) + (log[i].trouble.empty() ? "" : " " + log[i].trouble));
  }
  return all;
}

TEST(SessionFrames, AreWhatStoodOnTheWireOfEachDevice) {
  ScriptedLine line({meter(17, 1s, {1}), meter(18, 1s, {2})}, answer_all);
  line.run_until(500ms);
  EXPECT_EQ(frames_of(line, 0), (std::vector<std::string>{"> 000100000006110300010001", "< 0001000000051103020001"}));
  EXPECT_EQ(frames_of(line, 1), (std::vector<std::string>{"> 000200000006120300020001", "< 0002000000051203020002"}));
  const Frame& answer = line.session.frames(1)[1];
  EXPECT_EQ(answer.unit, 18);
  EXPECT_EQ(answer.took, 5ms);
  EXPECT_EQ(answer.at, kWallStart + 10ms);
}

TEST(SessionFrames, SayWhatWasWrong) {
  ScriptedLine line({meter(1, 10s, {0, 1000, 2000})}, [](const Asked& asked) -> std::optional<Bytes> {
    if (asked.request.address == 0) return registers_answer(asked.request);
    if (asked.request.address == 1000) return exception_answer(asked.request, 2);
    return std::nullopt;
  });
  line.run_until(5s);
  EXPECT_EQ(frames_of(line), (std::vector<std::string>{"> 000100000006010300000001", "< 0001000000050103020000",
                                                       "> 000200000006010303e80001",
                                                       "< 000200000003018302 exception 2 (illegal data address)",
                                                       "> 000300000006010307d00001", "-  no answer within 1000 ms"}));
}

LineOptions rtu_line() {
  LineOptions options;
  options.framing = Framing::rtu;
  options.silence = 4ms;
  options.quiet_after_timeout = 3ms;
  options.reconnect_when_silent = false;
  return options;
}

TEST(SessionFrames, OfASerialLineHaveTheirCrcAndWhatWasNone) {
  ScriptedLine line({meter(1, 10s, {1})}, answer_none, rtu_line());
  line.run_until(100ms);
  line.session.received(line.now(), from_hex("01 03 02 00 01 79 85"));  // the last byte is wrong
  line.run_until(2s);
  EXPECT_EQ(
      frames_of(line),
      (std::vector<std::string>{"> 010300010001d5ca", "< 01030200017985 no whole frame: noise, a wrong CRC, or cut off",
                                "-  no answer within 1000 ms"}));
  line.session.received(line.now(), from_hex("01 03 02 00 01 79 84"));  // too late
  EXPECT_EQ(frames_of(line).back(), "< 01030200017984 answers no request that is under way");
  EXPECT_EQ(line.session.late_answers(), 1U);
}

TEST(SessionFrames, OfAPollThatWasCutOffSayWhy) {
  ScriptedLine line({meter(1)}, answer_none);
  line.run_until(100ms);
  line.session.lost(line.now(), "the device closed the connection");
  EXPECT_EQ(frames_of(line).back(), "-  the device closed the connection");
}

TEST(SessionFrames, AreTheLastThirtyTwo) {
  ScriptedLine line({meter(1, 1s)}, answer_all);
  line.run_until(100s);
  const FrameLog& log = line.session.frames(0);
  EXPECT_EQ(log.size(), 32U);
  EXPECT_EQ(log.dropped(), 200U - 32U);
}

TEST(SessionLineUse, IsFromRequestsToAnswers) {
  ScriptedLine line({meter(1, 1s), meter(2, 1s)}, answer_all);
  line.round_trip = 50ms;
  line.run_until(100s);
  EXPECT_NEAR(*line.session.line_use(line.now().ticks), 0.1, 0.002);
  line.round_trip = 400ms;
  line.run_until(200s);
  EXPECT_NEAR(*line.session.line_use(line.now().ticks), 0.8, 0.015);
}

TEST(SessionLineUse, CountsDeadlinesAndSilence) {
  std::vector<PolledDevice> devices{meter(1, 10s), meter(2, 10s)};
  devices[1].timeout = 500ms;
  LineOptions options = rtu_line();
  options.quiet_after_timeout = 100ms;
  ScriptedLine line(
      devices, [](const Asked& asked) { return asked.unit == 2 ? std::nullopt : answer_all(asked); }, options);
  line.run_until(5s);
  EXPECT_NEAR(*line.session.line_use(line.now().ticks), (5 + 4 + 500 + 100) / 5000.0, 1e-9);
}

TEST(SessionLineUse, EndsWithTheConnection) {
  ScriptedLine line({meter(1, 10s)}, answer_none);
  line.reachable = true;
  line.run_until(200ms);
  line.reachable = false;
  line.session.lost(line.now(), "the device closed the connection");
  line.run_until(1s);
  EXPECT_NEAR(*line.session.line_use(line.now().ticks), 0.2, 1e-9);
}

}  // namespace
}  // namespace carbongate::modbus_driver

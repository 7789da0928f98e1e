#include "drivers/modbus/session_fsm.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"
#include "tests/unit/drivers/modbus/scripted_line.h"

namespace carbongate::modbus_driver {
namespace {

using testing::from_hex;
using testing::to_hex;
using State = DeviceStatus::State;

TEST(SessionFsm, PollsOnAGridAndStampsWithTheArrivalOfTheAnswer) {
  ScriptedLine line({meter(1, 1s, {7})}, answer_all);
  line.run_until(3500ms);
  ASSERT_EQ(line.deliveries.size(), 4u);
  EXPECT_EQ(line.asked_at, (std::vector<Duration>{0ms, 1s, 2s, 3s}));
  EXPECT_EQ(line.deliveries[1].values[0].value.number, 7.0);
  EXPECT_EQ(line.deliveries[1].values[0].at, kWallStart + 1005ms);
  EXPECT_EQ(line.status().state, State::online);
  EXPECT_EQ(line.status().round_trip, 5ms);
  EXPECT_EQ(line.status().polls, 4u);
  EXPECT_EQ(line.status().errors, 0u);
  EXPECT_EQ(line.connects.size(), 1u);
}

TEST(SessionFsm, CountsPollsItIsTooLateFor) {
  ScriptedLine line({meter(1, 100ms)}, answer_all);
  line.round_trip = 250ms;
  line.run_until(3s);
  EXPECT_EQ(line.asked_at[1], 300ms);
  EXPECT_EQ(line.status().polls, 10u);
  EXPECT_EQ(line.status().skipped, 20u);
}

TEST(SessionFsm, ReadsUnitsOfOneConnectionInTurn) {
  ScriptedLine line({meter(1), meter(2), meter(3)}, answer_all);
  line.run_until(1900ms);
  ASSERT_EQ(line.asked.size(), 6u);
  EXPECT_EQ(line.asked_at, (std::vector<Duration>{0ms, 5ms, 10ms, 1s, 1005ms, 1010ms}));
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(line.asked[i].unit, i % 3 + 1);
  EXPECT_EQ(line.asked[5].transaction, 6);
}

TEST(SessionFsm, ASilentUnitCostsItsNeighboursOneDeadlineAnAttempt) {
  std::vector<PolledDevice> devices{meter(1, 100ms), meter(2, 100ms), meter(3, 100ms)};
  devices[1].timeout = 700ms;
  ScriptedLine line(devices, [](const Asked& asked) { return asked.unit == 2 ? std::nullopt : answer_all(asked); });
  line.run_until(10min);
  EXPECT_EQ(line.status(1).state, State::offline);
  EXPECT_EQ(line.status(1).detail, "no answer within 700 ms");
  EXPECT_LE(line.status(1).polls, 40u);  // backed off to 30 s less jitter
  Duration worst{0};
  for (std::size_t i = 1; i < line.delivered_at[0].size(); ++i) {
    worst = std::max(worst, line.delivered_at[0][i] - line.delivered_at[0][i - 1]);
  }
  EXPECT_LE(worst, 700ms + 200ms);
  EXPECT_GT(line.delivered_at[0].size(), 5700u);  // of 6000
}

TEST(SessionFsm, ManySilentUnitsNeverStandInARow) {
  std::vector<PolledDevice> devices;
  for (std::uint8_t unit = 1; unit <= 30; ++unit) devices.push_back(meter(unit, 1s));
  ScriptedLine line(devices, [](const Asked& asked) { return asked.unit == 30 ? answer_all(asked) : std::nullopt; });
  line.run_until(30min);
  EXPECT_EQ(line.status(29).state, State::online);
  const auto& heard = line.delivered_at[29];
  for (std::size_t i = 10; i < heard.size(); ++i) ASSERT_LE(heard[i] - heard[i - 1], 2100ms) << i;
}

TEST(SessionFsm, HearsOfASilentUnitSoonAfterItIsBack) {
  bool silent = true;
  ScriptedLine line({meter(1)}, [&](const Asked& asked) { return silent ? std::nullopt : answer_all(asked); });
  line.run_until(5min);
  silent = false;
  line.run_until(5min + 32s);
  EXPECT_EQ(line.status().state, State::online);
  EXPECT_EQ(line.status().detail, "");
}

TEST(SessionFsm, AnExceptionOfOneBlockDoesNotStopTheOthers) {
  ScriptedLine line({meter(1, 1s, {0, 1000, 2000})}, [](const Asked& asked) {
    return asked.request.address == 1000 ? exception_answer(asked.request, 2) : registers_answer(asked.request);
  });
  line.run_until(500ms);
  ASSERT_EQ(line.deliveries.size(), 1u);
  EXPECT_EQ(line.deliveries[0].values.size(), 2u);
  EXPECT_EQ(line.deliveries[0].values[1].value.number, 2000.0);
  EXPECT_EQ(line.status().state, State::online);
  EXPECT_EQ(line.status().detail, "exception 2 (illegal data address) at holding registers 1000..1000");
  EXPECT_EQ(line.status().errors, 1u);
}

TEST(SessionFsm, ARefusedBlockIsNotAskedForEveryTime) {
  ScriptedLine line({meter(1, 1s, {0, 1000})}, [](const Asked& asked) {
    return asked.request.address == 1000 ? exception_answer(asked.request, 2) : registers_answer(asked.request);
  });
  line.run_until(123s);
  EXPECT_EQ(line.status().errors, 3u);  // at 0, 61 and 122 s
  EXPECT_NE(line.status().detail, "");  // still true in between
  EXPECT_EQ(line.deliveries.size(), 123u);
}

TEST(SessionFsm, ABusyDeviceIsAskedAgainAtItsNextPoll) {
  ScriptedLine line({meter(1, 1s, {0, 1000})}, [](const Asked& asked) {
    return asked.request.address == 1000 ? exception_answer(asked.request, 6) : registers_answer(asked.request);
  });
  line.run_until(4500ms);
  EXPECT_EQ(line.status().errors, 5u);
}

TEST(SessionFsm, ADeviceThatRefusesEverythingIsOfflineAndSaysWhy) {
  ScriptedLine line({meter(1)}, [](const Asked& asked) { return exception_answer(asked.request, 1); });
  line.run_until(10s);
  EXPECT_EQ(line.status().state, State::offline);
  EXPECT_EQ(line.status().detail, "exception 1 (illegal function) at holding registers 0..0");
  EXPECT_EQ(line.status().polls, 10u);  // it answers: no reason to back off
  EXPECT_TRUE(line.deliveries.empty());
}

TEST(SessionFsm, AnAddressThatAModelLacksCostsNoOther) {
  ScriptedLine line({meter(1, 1s, {0, 1, 2, 3, 9})}, [](const Asked& asked) {  // 2 and the gap 4..8 are not there
    const unsigned begin = asked.request.address;
    const unsigned end = begin + asked.request.count;
    const bool touches = (begin <= 2 && end > 2) || (begin < 9 && end > 4);
    return touches ? exception_answer(asked.request, 2) : registers_answer(asked.request);
  });
  line.run_until(900ms);
  ASSERT_EQ(line.deliveries.size(), 1u);
  std::vector<double> values;
  for (const FieldValue& field : line.deliveries[0].values) values.push_back(field.value.number);
  EXPECT_EQ(values, (std::vector<double>{0, 1, 3, 9}));
  const auto asked_to_learn = line.asked.size();
  line.run_until(1900ms);
  EXPECT_EQ(line.asked.size(), asked_to_learn + 3);  // it has learned
}

TEST(SessionFsm, AMeterThatRefusesEverythingWhileItStartsIsAskedAsPlannedAfterwards) {
  bool starting = true;
  ScriptedLine line({meter(1, 1s, {0, 1, 2, 3, 9, 1000})}, [&](const Asked& asked) {
    return starting ? exception_answer(asked.request, 2) : registers_answer(asked.request);
  });
  line.run_until(2900ms);
  EXPECT_EQ(line.status().state, State::offline);
  starting = false;
  line.asked.clear();
  line.run_until(3900ms);
  ASSERT_EQ(line.asked.size(), 2u);  // 0..9 and 1000
  EXPECT_EQ(line.asked[0].request.count, 10);
  EXPECT_EQ(line.deliveries.at(0).values.size(), 6u);
  EXPECT_EQ(line.status().state, State::online);
  EXPECT_EQ(line.status().detail, "");
}

TEST(SessionFsm, AMeterThatGetsReadyInTheMiddleOfAPollIsNotReadInPiecesForEver) {
  int refusals = 2;
  ScriptedLine line({meter(1, 10s, {0, 1, 2, 3, 9})}, [&](const Asked& asked) {
    return refusals-- > 0 ? exception_answer(asked.request, 2) : registers_answer(asked.request);
  });
  line.run_until(59min);
  EXPECT_GT(line.status().polls, 2 * line.deliveries.size());
  line.run_until(61min);
  line.asked.clear();
  line.run_until(62min);
  EXPECT_EQ(line.asked.size(), 6u);  // one request a poll
}

TEST(SessionFsm, AGapThatIsReallyThereIsLearnedAgainWithoutLossOrAWord) {
  ScriptedLine line({meter(1, 10s, {0, 9})}, [](const Asked& asked) {
    return asked.request.count > 1 ? exception_answer(asked.request, 2) : registers_answer(asked.request);
  });
  while (line.elapsed < 150min) {
    line.step(150min);
    ASSERT_EQ(line.status().detail, "");
  }
  EXPECT_EQ(line.status().errors, 3u);
  EXPECT_EQ(line.deliveries.size(), 900u);
  for (const auto& delivery : line.deliveries) ASSERT_EQ(delivery.values.size(), 2u);
}

TEST(SessionFsm, AConnectionForEachPollDoesNotMakeItLearnEachTime) {
  ScriptedLine line({meter(1, 10s, {0, 9})}, [](const Asked& asked) {
    return asked.request.count > 1 ? exception_answer(asked.request, 2) : registers_answer(asked.request);
  });
  for (int poll = 0; poll < 30; ++poll) {
    line.run_until(poll * 10s + 1s);
    line.session.lost(line.now(), "the device closed the connection");
  }
  EXPECT_EQ(line.status().errors, 1u);
}

TEST(SessionFsm, AUnitBehindAGatewayThatDoesNotAnswerIsSilent) {
  ScriptedLine line({meter(1, 1s, {0, 1000}), meter(2)}, [](const Asked& asked) {
    return asked.unit == 1 ? exception_answer(asked.request, 11) : registers_answer(asked.request);
  });
  line.run_until(60s);
  EXPECT_EQ(line.status(0).state, State::offline);
  EXPECT_EQ(line.status(0).detail, "exception 11 (gateway target device failed to respond) at holding registers 0..0");
  EXPECT_LE(line.status(0).polls, 10u);
  EXPECT_EQ(line.delivered_at[1].size(), 60u);
  EXPECT_EQ(line.connects.size(), 1u);
}

TEST(SessionFsm, ABlockThatIsNeverAnsweredDoesNotHideTheOthers) {
  ScriptedLine line({meter(1, 1s, {0, 1000, 2000})},
                    [](const Asked& asked) { return asked.request.address == 0 ? std::nullopt : answer_all(asked); });
  line.run_until(60s);
  EXPECT_EQ(line.status().state, State::online);
  EXPECT_EQ(line.status().detail, "no answer within 1000 ms to holding registers 0..0");
  EXPECT_EQ(line.deliveries.back().values.size(), 2u);
}

TEST(SessionFsm, DiscardsAndCountsALateAnswer) {
  Asked late{};
  bool keep_back = true;
  ScriptedLine line({meter(1, 1s), meter(2, 1s)}, [&](const Asked& asked) -> std::optional<Bytes> {
    if (asked.unit == 1 && keep_back) {
      late = asked;
      return std::nullopt;
    }
    return answer_all(asked);
  });
  line.run_until(1002ms);  // unit 1 has timed out
  keep_back = false;
  line.session.received(line.now(), line.frame(late, registers_answer(late.request)));
  EXPECT_EQ(line.session.late_answers(), 1u);
  line.run_until(10s);
  EXPECT_EQ(line.status(0).state, State::online);
  EXPECT_EQ(line.session.late_answers(), 1u);
  EXPECT_EQ(line.connects.size(), 1u);
}

TEST(SessionFsm, AnAnswerInPiecesIsAnAnswer) {
  SessionFsm session({.seed = 1}, {meter(1)});
  Moment now{io::SteadyTime{1h}, kWallStart};
  ASSERT_TRUE(std::holds_alternative<SessionFsm::Connect>(session.next(now)));
  session.connected(now);
  ASSERT_TRUE(std::holds_alternative<SessionFsm::Send>(session.next(now)));
  for (const std::byte byte : from_hex("0001 0000 0005 01 03 02 002a")) session.received(now, std::span(&byte, 1));
  const auto action = session.next(now);
  EXPECT_EQ(std::get<SessionFsm::Deliver>(action).values[0].value.number, 42.0);
}

TEST(SessionFsm, ConnectsAgainWithGrowingPausesUpTo30s) {
  ScriptedLine line({meter(1)}, answer_all);
  line.reachable = false;
  line.run_until(10min);
  EXPECT_EQ(line.status().state, State::offline);
  EXPECT_EQ(line.status().detail, "connection refused");
  Duration longest{0};
  for (std::size_t i = 1; i < line.connects.size(); ++i)
    longest = std::max(longest, line.connects[i] - line.connects[i - 1]);
  EXPECT_LE(line.connects[1], 500ms);
  EXPECT_LE(longest, 30s);
  EXPECT_GE(longest, 15s);
  line.reachable = true;
  line.run_until(10min + 31s);
  EXPECT_EQ(line.status().state, State::online);
  EXPECT_EQ(line.session.reconnects(), 0u);
  EXPECT_LE(line.status().skipped, 1u);  // nobody was there to be late
}

TEST(SessionFsm, AConnectionClosedWhileIdleIsRenewedWithoutAWord) {
  ScriptedLine line({meter(1)}, answer_all);
  line.run_until(500ms);
  line.session.lost(line.now(), "the device closed the connection");
  EXPECT_EQ(line.status().state, State::online);
  line.run_until(1500ms);
  EXPECT_EQ(line.asked_at, (std::vector<Duration>{0ms, 1s}));
  EXPECT_EQ(line.session.reconnects(), 1u);
  EXPECT_TRUE(line.session.is_connected());
}

TEST(SessionFsm, AServerThatClosesIdleConnectionsIsNeverOfflineNorPolledLate) {
  ScriptedLine line({meter(1, 10s), meter(2, 20s)}, answer_all);
  for (int poll = 0; poll < 30; ++poll) {
    line.run_until(poll * 10s + 1s);
    line.session.take_touched();
    line.session.lost(line.now(), "the device closed the connection");
    EXPECT_TRUE(line.session.is_resting());
    EXPECT_TRUE(line.session.take_touched().empty());
    line.run_until(poll * 10s + 9s);
    EXPECT_EQ(line.connects.size(), static_cast<std::size_t>(poll + 1));  // nothing to connect for
  }
  for (std::size_t poll = 0; poll < 30; ++poll) EXPECT_EQ(line.delivered_at[0][poll], poll * 10s + 5ms);
  EXPECT_EQ(line.status(0).skipped, 0u);
  EXPECT_EQ(line.delivered_at[1].size(), 15u);
}

TEST(SessionFsm, TheTimeItTakesToConnectAgainDoesNotMoveTheGrid) {
  SessionFsm session({.seed = 1}, {meter(1, 10s)});
  Moment now{io::SteadyTime{1h}, kWallStart};
  for (int poll = 0; poll < 5; ++poll) {
    ASSERT_TRUE(std::holds_alternative<SessionFsm::Connect>(session.next(now)));
    if (poll > 0) now.ticks += 300ms;
    session.connected(now);
    const auto action = session.next(now);
    const auto request = **modbus::decode_tcp(std::get<SessionFsm::Send>(action).bytes);
    session.received(now, modbus::encode_tcp(request.transaction, 1, from_hex("03 02 002a")));
    ASSERT_TRUE(std::holds_alternative<SessionFsm::Deliver>(session.next(now)));
    session.lost(now, "the device closed the connection");
    const auto wait = session.next(now);
    now.ticks = std::get<SessionFsm::Wait>(wait).until;
    EXPECT_EQ(now.ticks, io::SteadyTime{1h} + (poll + 1) * 10s);
  }
}

TEST(SessionFsm, AServerThatIsGoneWhenTheNextPollIsDueIsOffline) {
  ScriptedLine line({meter(1, 10s)}, answer_all);
  line.run_until(1s);
  line.session.lost(line.now(), "the device closed the connection");
  line.reachable = false;
  line.run_until(10s);
  EXPECT_EQ(line.status().state, State::online);
  line.run_until(11s);
  EXPECT_EQ(line.status().state, State::offline);
  EXPECT_EQ(line.status().detail, "connection refused");
  EXPECT_FALSE(line.session.is_resting());
}

TEST(SessionFsm, AConnectionThatIsAcceptedAndClosedIsNotHammered) {
  SessionFsm session({.seed = 1}, {meter(1)});
  Moment now{io::SteadyTime{1h}, kWallStart};
  int connects = 0;
  while (now.ticks < io::SteadyTime{1h + 5min}) {
    const auto action = session.next(now);
    if (std::holds_alternative<SessionFsm::Connect>(action)) {
      ++connects;
      session.connected(now);
      session.lost(now, "the device closed the connection");
    }
    if (const auto* wait = std::get_if<SessionFsm::Wait>(&action)) now.ticks = wait->until;
  }
  EXPECT_LE(connects, 25);
}

TEST(SessionFsm, ADeviceThatHangsUpOnOneBlockStillGivesTheOthers) {
  ScriptedLine* self = nullptr;
  ScriptedLine line({meter(1, 1s, {0, 1000})}, [&](const Asked& asked) -> std::optional<Bytes> {
    if (asked.request.address != 0) return registers_answer(asked.request);
    self->session.lost(self->now(), "the device closed the connection");
    return std::nullopt;
  });
  self = &line;
  line.run_until(60s);
  EXPECT_GE(line.deliveries.size(), 3u);
  EXPECT_LE(line.connects.size(), 20u);
}

TEST(SessionFsm, ADeadConnectionIsRenewed) {
  ScriptedLine line({meter(1)}, answer_none);
  line.run_until(60s);
  EXPECT_GE(line.disconnects, 1);
  EXPECT_EQ(line.disconnects, static_cast<int>(line.connects.size()) - 1);
  EXPECT_EQ(line.session.link_detail(), "");
}

TEST(SessionFsm, WhatIsNotModbusEndsTheConnection) {
  ScriptedLine line({meter(1)}, answer_all);
  line.run_until(100ms);
  line.session.received(line.now(), from_hex("4854 5450 2f31 2e31"));
  EXPECT_FALSE(line.session.is_connected());
  EXPECT_EQ(line.session.link_detail(), "not Modbus TCP: the protocol identifier is not 0");
  line.run_until(2s);
  EXPECT_EQ(line.disconnects, 1);
  EXPECT_EQ(line.status().state, State::online);
}

TEST(SessionFsm, KeepsWhatWasReadBeforeTheConnectionBroke) {
  ScriptedLine* self = nullptr;
  ScriptedLine line({meter(1, 1s, {0, 1000})}, [&](const Asked& asked) -> std::optional<Bytes> {
    if (asked.request.address == 0) return registers_answer(asked.request);
    self->session.lost(self->now(), "connection reset");
    return std::nullopt;
  });
  self = &line;
  line.run_until(100ms);
  ASSERT_EQ(line.deliveries.size(), 1u);
  EXPECT_EQ(line.deliveries[0].values.size(), 1u);
}

LineOptions rtu() {
  return {.framing = Framing::rtu, .silence = 4ms, .quiet_after_timeout = 8ms, .reconnect_when_silent = false};
}

TEST(SessionFsm, LeavesSilenceBetweenRtuFrames) {
  ScriptedLine line({meter(1), meter(2)}, answer_all, rtu());
  line.run_until(500ms);
  EXPECT_EQ(line.asked_at, (std::vector<Duration>{0ms, 9ms}));
}

TEST(SessionFsm, LeavesALateRtuAnswerTimeToPass) {
  ScriptedLine line(
      {meter(1), meter(2)}, [](const Asked& asked) { return asked.unit == 1 ? std::nullopt : answer_all(asked); },
      rtu());
  line.run_until(1500ms);
  EXPECT_EQ(line.asked_at, (std::vector<Duration>{0ms, 1008ms}));
}

// The cases of bad_frames.json, as a session takes them: nothing but the right answer ends a request.
TEST(SessionFsm, WaitsForTheRightRtuAnswer) {
  PolledDevice device = meter(1, 10s, {12302, 12303});
  SessionFsm session(rtu(), {device});
  Moment now{io::SteadyTime{1h}, kWallStart};
  ASSERT_TRUE(std::holds_alternative<SessionFsm::Connect>(session.next(now)));
  session.connected(now);
  ASSERT_TRUE(std::holds_alternative<SessionFsm::Send>(session.next(now)));
  for (const char* wrong :
       {"01 03 04 01 2c 00 46 bb f3", "02 03 04 01 2c 00 46 88 f4", "01 84 04 42 c3", "01 03 02 00 00 b8 44"}) {
    session.received(now, from_hex(wrong));
    EXPECT_TRUE(std::holds_alternative<SessionFsm::Receive>(session.next(now))) << wrong;
  }
  EXPECT_EQ(session.late_answers(), 3u);
  session.received(now, from_hex("00 01 03 04 01 2c 00 46 bb f4 00"));
  const auto action = session.next(now);
  const auto& delivery = std::get<SessionFsm::Deliver>(action);
  EXPECT_EQ(delivery.values[0].value.number, 300.0);
  EXPECT_EQ(delivery.values[1].value.number, 70.0);
  EXPECT_EQ(session.statuses()[0].errors, 0u);
}

TEST(SessionFsm, ASlowLineGetsTheTimeItsBytesTake) {
  LineOptions options = rtu();
  options.byte_time = std::chrono::microseconds(9'167);  // 1200 baud, 8E1
  std::vector<std::uint16_t> addresses(100);
  for (std::uint16_t i = 0; i < 100; ++i) addresses[i] = i;
  PolledDevice device = meter(1, 10s, addresses);
  device.timeout = 100ms;
  ScriptedLine line({device}, answer_all, options);
  line.round_trip = 1950ms;
  line.run_until(3s);
  EXPECT_EQ(line.status().state, State::online);
}

TEST(SessionFsm, LeavesADeviceAloneThatAsksForIt) {
  PolledDevice device = meter(1, 1s, {0, 1000});
  device.pause = 50ms;
  ScriptedLine line({device}, answer_all);
  line.run_until(500ms);
  EXPECT_EQ(line.asked_at, (std::vector<Duration>{0ms, 55ms}));
}

TEST(SessionFsm, OnceAsksEveryDeviceOnceAndStops) {
  ScriptedLine line({meter(1), meter(2), meter(3)},
                    [](const Asked& asked) { return asked.unit == 2 ? std::nullopt : answer_all(asked); },
                    {.once = true});
  line.run_until(10s);
  EXPECT_TRUE(line.stopped);
  EXPECT_EQ(line.asked.size(), 3u);
  EXPECT_EQ(line.deliveries.size(), 2u);
  EXPECT_EQ(line.status(1).detail, "no answer within 1000 ms");
}

TEST(SessionFsm, OnceGivesUpWhereThereIsNoConnection) {
  ScriptedLine line({meter(1), meter(2)}, answer_all, {.once = true});
  line.reachable = false;
  line.run_until(10s);
  EXPECT_TRUE(line.stopped);
  EXPECT_EQ(line.elapsed, 0ms);
  EXPECT_EQ(line.status(1).detail, "connection refused");
}

TEST(SessionFsm, OnceAsksOnlyThoseNamed) {
  SessionFsm session({.once = true, .seed = 1}, {meter(1), meter(2)}, {1});
  Moment now{io::SteadyTime{1h}, kWallStart};
  session.next(now);
  session.connected(now);
  const auto action = session.next(now);
  EXPECT_EQ((**modbus::decode_tcp(std::get<SessionFsm::Send>(action).bytes)).unit, 2);
}

// Whatever happens at whatever moment: the session goes on, and never asks twice at once.
TEST(SessionFsm, SurvivesALossAtEachStep) {
  for (int fail_at = 0; fail_at < 12; ++fail_at) {
    int step = 0;
    ScriptedLine* self = nullptr;
    ScriptedLine line({meter(1, 1s, {0, 1000}), meter(2)}, [&](const Asked& asked) -> std::optional<Bytes> {
      if (step++ != fail_at) return answer_all(asked);
      self->session.lost(self->now(), "connection reset");
      return std::nullopt;
    });
    self = &line;
    line.run_until(30s);
    EXPECT_EQ(line.status(0).state, State::online) << fail_at;
    EXPECT_EQ(line.status(1).state, State::online) << fail_at;
    EXPECT_LE(line.connects.size(), 3u) << fail_at;
    EXPECT_GE(line.deliveries.size(), 55u) << fail_at;
  }
}

}  // namespace
}  // namespace carbongate::modbus_driver

// A Modbus line with units on it, in a time of its own, for tests of the session.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drivers/modbus/session_fsm.h"

namespace carbongate::modbus_driver {

using namespace std::chrono_literals;
using modbus::Bytes;
using Framing = LineOptions::Framing;

inline constexpr Instant kWallStart{std::chrono::milliseconds{1'700'000'000'000}};

inline PolledDevice meter(std::uint8_t unit, Duration interval = 1s, std::vector<std::uint16_t> addresses = {0}) {
  PolledDevice device{.id = "meter-" + std::to_string(unit), .unit = unit, .interval = interval, .fields = {}};
  for (const std::uint16_t address : addresses) {
    RegisterField field;
    field.address = address;
    device.fields.push_back(field);
  }
  return device;
}

struct Asked {
  std::uint16_t transaction;
  std::uint8_t unit;
  modbus::ReadRequest request;
  Bytes pdu;
};

inline Bytes registers_answer(const modbus::ReadRequest& request) {  // every register holds its own address
  wire::ByteWriter out(modbus::kPduBytesMax);
  out.u8(static_cast<std::uint8_t>(request.function)).u8(static_cast<std::uint8_t>(request.count * 2));
  for (unsigned i = 0; i < request.count; ++i) out.u16(static_cast<std::uint16_t>(request.address + i));
  return *out.take();
}

inline Bytes exception_answer(const modbus::ReadRequest& request, std::uint8_t code) {
  wire::ByteWriter out(2);
  out.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(request.function) | 0x80)).u8(code);
  return *out.take();
}

// A line with units on it, in a time of its own. Each request is answered after `round_trip`, or not at all.
class ScriptedLine {
 public:
  using Respond = std::function<std::optional<Bytes>(const Asked&)>;

  ScriptedLine(std::vector<PolledDevice> devices, Respond respond, LineOptions options = {})
      : framing_(options.framing),
        respond_(std::move(respond)),
        session(
            [&] {
              options.seed = 1;
              return options;
            }(),
            std::move(devices)) {}

  Moment now() const { return {io::SteadyTime{1h} + elapsed, kWallStart + elapsed}; }

  Bytes frame(const Asked& to, std::span<const std::byte> pdu) const {
    return framing_ == Framing::tcp ? modbus::encode_tcp(to.transaction, to.unit, pdu)
                                    : modbus::encode_rtu(to.unit, pdu);
  }

  void run_until(Duration end) {
    while (elapsed < end && !stopped) step(end);
  }

  void step(Duration end) {
    const auto action = session.next(now());
    if (std::holds_alternative<SessionFsm::Stop>(action)) stopped = true;
    if (std::holds_alternative<SessionFsm::Connect>(action)) {
      connects.push_back(elapsed);
      reachable ? session.connected(now()) : session.lost(now(), "connection refused");
    }
    if (std::holds_alternative<SessionFsm::Disconnect>(action)) ++disconnects;
    if (const auto* send = std::get_if<SessionFsm::Send>(&action)) on_send(*send);
    if (const auto* receive = std::get_if<SessionFsm::Receive>(&action)) sleep_until(receive->until, end);
    if (const auto* wait = std::get_if<SessionFsm::Wait>(&action)) sleep_until(wait->until, end);
    if (const auto* delivery = std::get_if<SessionFsm::Deliver>(&action)) {
      deliveries.push_back(*delivery);
      delivered_at[delivery->device].push_back(elapsed);
    }
  }

  const DeviceStatus& status(std::size_t device = 0) const { return session.statuses()[device]; }

  Duration elapsed{0};
  Duration round_trip{5};
  bool reachable = true;
  bool stopped = false;
  int disconnects = 0;
  std::vector<Asked> asked;
  std::vector<Duration> asked_at;
  std::vector<Duration> connects;
  std::vector<SessionFsm::Deliver> deliveries;
  std::map<std::size_t, std::vector<Duration>> delivered_at;

 private:
  void on_send(const SessionFsm::Send& send) {
    Asked request{};
    if (framing_ == Framing::tcp) {
      const auto decoded = **modbus::decode_tcp(send.bytes);
      request = {decoded.transaction, decoded.unit, {}, Bytes(decoded.pdu.begin(), decoded.pdu.end())};
    } else {
      const auto decoded = **modbus::decode_rtu(send.bytes, modbus::Side::request);
      request = {0, decoded.unit, {}, Bytes(decoded.pdu.begin(), decoded.pdu.end())};
    }
    request.request = std::get<modbus::ReadRequest>(*modbus::parse_request(request.pdu));
    asked.push_back(request);
    asked_at.push_back(elapsed);
    const auto answer = respond_(request);
    if (!answer) return;
    elapsed += round_trip;
    session.received(now(), frame(request, *answer));
  }

  void sleep_until(io::SteadyTime until, Duration end) {
    elapsed = std::max(elapsed, std::min(end, std::chrono::duration_cast<Duration>(until - io::SteadyTime{1h})));
  }

  Framing framing_;
  Respond respond_;

 public:
  SessionFsm session;
};

inline std::optional<Bytes> answer_all(const Asked& asked) {
  return registers_answer(asked.request);
}
inline std::optional<Bytes> answer_none(const Asked&) {
  return std::nullopt;
}

}  // namespace carbongate::modbus_driver

// A session hears any bytes at any time: it keeps its statuses, and always says what to do next.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "drivers/modbus/session_fsm.h"

using namespace carbongate;
using namespace carbongate::modbus_driver;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  LineOptions options;
  options.framing = (data[0] & 1) != 0 ? LineOptions::Framing::tcp : LineOptions::Framing::rtu;
  options.seed = 1;
  std::vector<PolledDevice> devices(2);
  for (std::uint8_t unit = 1; unit <= 2; ++unit) {
    devices[unit - 1u].id = "m";
    devices[unit - 1u].unit = unit;
    for (const std::uint16_t address : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{40}}) {
      devices[unit - 1u].fields.emplace_back().address = address;
    }
  }
  SessionFsm session(options, std::move(devices));
  Moment now{io::SteadyTime{std::chrono::hours(1)}, Instant{}};
  for (std::size_t at = 1; at < size;) {
    const auto action = session.next(now);
    const auto sleep_until = [&](io::SteadyTime until) { now.ticks = std::max(now.ticks, until); };
    if (std::holds_alternative<SessionFsm::Connect>(action)) session.connected(now);
    if (const auto* wait = std::get_if<SessionFsm::Wait>(&action)) sleep_until(wait->until);
    if (std::holds_alternative<SessionFsm::Stop>(action)) std::abort();
    if (const auto* receive = std::get_if<SessionFsm::Receive>(&action)) {
      const std::uint8_t what = data[at++];  // 0: silence, 255: hang up, else so many bytes
      if (what == 0) {
        sleep_until(receive->until);
      } else if (what == 255) {
        session.lost(now, "fuzz");
      } else {
        const std::size_t count = std::min<std::size_t>(what, size - at);
        if (count > 0) session.received(now, std::as_bytes(std::span(data + at, count)));
        at += count;
        now.ticks += std::chrono::milliseconds(1);
      }
    }
  }
  return 0;
}

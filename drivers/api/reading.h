// What a driver says: values that devices measured, each with the instant at which they were measured.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace carbongate {

// A moment on the UTC time line, to the millisecond: the resolution of Modbus polls, MQTT payloads and HJ 212 stamps.
using Instant = std::chrono::sys_time<std::chrono::milliseconds>;
using Duration = std::chrono::milliseconds;

// Index of a point in the site's configuration: dense, from 0, valid for one run of the program. The store keeps points
// by name, so ids need not stay the same from run to run.
enum class PointId : std::uint32_t {};
constexpr std::size_t index(PointId id) {
  return static_cast<std::size_t>(id);
}

// What the device itself said about a value. Everything else is judged later, in the quality stage.
enum class Availability : std::uint8_t {
  available,
  not_available,  // the device answered with its "no value" pattern (0xFFFF, null, "errors"): `value` is NaN
};

// Whose clock a reading's time is of. Ours may have to be corrected.
enum class StampedBy : std::uint8_t { gateway, device };

struct Reading {
  PointId point{};
  Availability availability = Availability::available;
  StampedBy stamped_by = StampedBy::gateway;
  char hj212_flag = '\0';  // the device's own mark of the value, by HJ 212-2017 table 8; '?': none of them; 0: no mark
  Instant at{};            // when the device measured it; when it was heard, if the device does not say
  double value = 0.0;      // in the point's own unit, after scale and offset; of a NaN see kept_bits.h
};
static_assert(sizeof(Reading) == 24);

// Readings of one source that were heard together, and are committed together.
struct Batch {
  std::string source;  // "modbus-tcp 10.0.0.5:502", "mqtt plant": for log lines and statistics
  Instant received{};  // when we heard it
  std::vector<Reading> readings;

  // Called once, on the loop thread, when the readings are safe on disk (true) or never will be (false: shutting down
  // before the commit). A QoS 1 message is acknowledged here. May be empty. Must not block or throw.
  std::function<void(bool committed)> settled;
};

}  // namespace carbongate

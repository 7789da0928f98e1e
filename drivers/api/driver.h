// A driver: one connection to the world (a Modbus line, an MQTT broker) and all devices behind it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/frame_log.h"
#include "drivers/api/inbox.h"
#include "drivers/api/poll_port.h"
#include "drivers/api/reading.h"

namespace carbongate {

// State of one device as its driver sees it. Counters start at 0 with the process.
struct DeviceStatus {
  std::string device;  // the id in the configuration
  enum class State : std::uint8_t { starting, online, offline } state = State::starting;
  Instant since{};                     // of `state`
  std::string detail;                  // why offline: "no answer within 1000 ms", "exception 2 (illegal data address)"
  std::optional<Instant> heard;        // last good answer or message
  Duration round_trip{};               // of the last good answer; 0 for devices that publish by themselves
  std::uint64_t polls = 0;             // requests sent, or messages received
  std::uint64_t errors = 0;            // timeouts, exceptions, bad frames, payloads that could not be read
  std::uint64_t skipped = 0;           // polls left out because the one before was still under way
  std::optional<bool> connected = {};  // of a device with a connection of its own; nullopt: as its driver is
};

struct DriverStatus {
  std::string name;  // "modbus-tcp 10.0.0.5:502", "mqtt plant"
  bool connected = false;
  Instant since{};     // of `connected`
  std::string detail;  // last connection error
  std::uint64_t reconnects = 0;
  std::uint64_t late_answers = 0;  // that answered nothing any more, and were discarded
  std::uint64_t noise_bytes = 0;   // on the line, part of no frame
  std::uint64_t dropped = 0;       // messages without a delivery promise (MQTT QoS 0) that found a full queue
  std::uint64_t unclaimed = 0;     // messages that no device of the configuration answers to
  std::optional<double> busy =
      {};  // a line that is asked: share of the last minute in which it was under way (line_use.h)
  std::vector<DeviceStatus> devices;
};

class Driver {
 public:
  virtual ~Driver() = default;

  // Owns its connection and its retries; runs on the loop thread and never blocks it. Ends only by cancellation
  // (asio total or terminal), with nothing left running behind it.
  virtual boost::asio::awaitable<void> run(Inbox& inbox) = 0;

  // Reads every point of the named devices once (all, if empty), for `carbongate read`. Not to be mixed with run().
  // A device that does not answer contributes no readings; status() says why. For a device that publishes by itself,
  // waits for its next message up to `patience`.
  virtual boost::asio::awaitable<std::vector<Reading>> read_once(std::vector<std::string> devices,
                                                                 Duration patience) = 0;

  virtual DriverStatus status() const = 0;

  // What was said last to and by one of its devices; it lives as long as the driver. nullptr: no device of its own, or
  // nothing of it goes over a wire.
  virtual const FrameLog* frames(std::string_view /*device*/) const { return nullptr; }

  // nullptr: its devices send by themselves.
  virtual PollPort* poll_port() { return nullptr; }
};

}  // namespace carbongate

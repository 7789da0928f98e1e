// What a device and its driver said to each other last, as it stood on the wire: for people who look for a fault.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/reading.h"

namespace carbongate {

struct Frame {
  enum class Direction : std::uint8_t {
    sent,
    received,
    missing,  // the answer that did not come: no bytes
  };
  Instant at{};
  Direction direction = Direction::sent;
  bool is_text = false;              // meant to be UTF-8; what it is may be something else
  std::optional<std::uint8_t> unit;  // Modbus
  std::string about;                 // topic or resource
  std::vector<std::byte> bytes;      // the first ones, without what lets somebody in
  std::size_t bytes_whole = 0;       // as many as there were
  std::optional<Duration> took;      // an answer: since its request was sent
  std::string trouble;               // what was wrong: "exception 2 (illegal data address)"; "": nothing
};

// A ring: a new frame takes the place, and the memory, of the oldest one. Who adds keeps secrets out.
class FrameLog {
 public:
  static constexpr std::size_t kFrames = 32;
  static constexpr std::size_t kBytes = 260;  // of each: a whole Modbus frame, on TCP too

  explicit FrameLog(std::size_t frames_max = kFrames, std::size_t bytes_max = kBytes)
      : frames_max_(frames_max), bytes_max_(bytes_max) {}

  // What is not given is to be filled in by the caller, who may do so until the next call.
  Frame& add(Instant at, Frame::Direction direction, std::span<const std::byte> bytes = {}) {
    if (frames_.size() < frames_max_) frames_.emplace_back();
    Frame& frame = frames_[added_++ % frames_max_];
    frame.at = at;
    frame.direction = direction;
    frame.is_text = false;
    frame.unit.reset();
    frame.about.clear();
    frame.bytes_whole = bytes.size();
    bytes = bytes.first(std::min(bytes.size(), bytes_max_));
    frame.bytes.assign(bytes.begin(), bytes.end());
    frame.took.reset();
    frame.trouble.clear();
    if (frame.bytes.size() < frame.bytes_whole) ++cut_;
    return frame;
  }

  Frame& add_text(Instant at, Frame::Direction direction, std::string_view text) {
    Frame& frame = add(at, direction, std::as_bytes(std::span(text)));
    frame.is_text = true;
    return frame;
  }

  Frame& newest() { return frames_[(added_ - 1) % frames_max_]; }  // there is one

  std::size_t size() const { return frames_.size(); }
  const Frame& operator[](std::size_t place) const {  // 0: the oldest
    return frames_[(added_ - frames_.size() + place) % frames_max_];
  }

  std::size_t frames_max() const { return frames_max_; }
  std::uint64_t added() const { return added_; }
  std::uint64_t dropped() const { return added_ - frames_.size(); }  // for newer ones
  std::uint64_t cut() const { return cut_; }                         // of all that were added: longer than is kept

 private:
  std::size_t frames_max_;  // at least 1
  std::size_t bytes_max_;
  std::vector<Frame> frames_;
  std::uint64_t added_ = 0;
  std::uint64_t cut_ = 0;
};

}  // namespace carbongate

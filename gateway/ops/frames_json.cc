#include "gateway/ops/frames_json.h"

#include <boost/json/array.hpp>
#include <optional>
#include <span>
#include <string_view>

#include "gateway/ops/json.h"
#include "gateway/ops/request.h"

namespace carbongate::ops {

namespace json = boost::json;

namespace {

constexpr std::size_t kCharacterMax = 4;  // bytes of one in UTF-8

std::string hex_of(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

// What was cut off may have ended within a character.
std::optional<std::string_view> text_of(const Frame& frame) {
  if (!frame.is_text) return std::nullopt;
  std::string_view text(reinterpret_cast<const char*>(frame.bytes.data()), frame.bytes.size());
  const std::size_t spare = frame.bytes.size() < frame.bytes_whole ? kCharacterMax : 1;
  for (std::size_t i = 0; i < spare; ++i) {
    if (is_utf8(text)) return text;
    if (text.empty()) break;
    text.remove_suffix(1);
  }
  return std::nullopt;
}

std::string_view word_of(Frame::Direction direction) {
  switch (direction) {
    case Frame::Direction::sent: return "sent";
    case Frame::Direction::received: return "received";
    case Frame::Direction::missing: break;
  }
  return "missing";
}

json::object frame_json(const Frame& frame) {
  json::object one{{"at", model::format_utc(frame.at)},
                   {"direction", word_of(frame.direction)},
                   {"unit", nullptr},
                   {"about", is_utf8(frame.about) ? std::string_view(frame.about) : std::string_view()},
                   {"bytes", frame.bytes_whole},
                   {"hex", nullptr},
                   {"text", nullptr},
                   {"took_ms", nullptr},
                   {"trouble", frame.trouble}};
  if (frame.unit) one["unit"] = *frame.unit;
  if (frame.took) one["took_ms"] = frame.took->count();
  if (const auto text = text_of(frame)) {
    one["text"] = *text;
  } else {
    one["hex"] = hex_of(frame.bytes);
  }
  return one;
}

}  // namespace

json::object frames_json(const std::string& device, const FrameLog* log) {
  json::array frames;
  for (std::size_t i = 0; log && i < log->size(); ++i) frames.push_back(frame_json((*log)[i]));
  return {{"device", device},
          {"frames_max", log ? log->frames_max() : 0},
          {"added", log ? log->added() : 0},
          {"dropped", log ? log->dropped() : 0},
          {"cut", log ? log->cut() : 0},
          {"frames", std::move(frames)}};
}

}  // namespace carbongate::ops

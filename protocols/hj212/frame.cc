#include "protocols/hj212/frame.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace carbongate::hj212 {
namespace {

constexpr std::string_view kHead = "##";
constexpr std::string_view kTail = "\r\n";
constexpr std::size_t kLengthDigits = 4;
constexpr std::size_t kBeforeSegment = kHead.size() + kLengthDigits;
constexpr std::size_t kCrcDigits = 4;

std::string hex(std::uint16_t value, bool lower_case) {
  const std::string_view digits = lower_case ? "0123456789abcdef" : "0123456789ABCDEF";
  std::string text;
  for (int shift = 12; shift >= 0; shift -= 4) text += digits[value >> shift & 0xF];
  return text;
}

// nullopt: one of them is no digit.
std::optional<std::size_t> length_in(std::string_view digits) {
  std::size_t length = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    length = length * 10 + static_cast<std::size_t>(c - '0');
  }
  return length;
}

// For a message: what cannot be printed is a dot.
std::string shown(std::string_view bytes) {
  std::string text(bytes.substr(0, 16));
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c > 0x7E; }, '.');
  return text;
}

}  // namespace

std::uint16_t crc16(std::string_view bytes) {
  std::uint16_t crc = 0xFFFF;
  for (const char byte : bytes) {
    crc = static_cast<std::uint16_t>(crc >> 8 ^ static_cast<unsigned char>(byte));
    for (int bit = 0; bit < 8; ++bit) crc = static_cast<std::uint16_t>(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
  }
  return crc;
}

std::string encode(const Frame& frame) {
  assert(frame.segment.size() <= kSegmentBytesEver);
  std::string digits = std::to_string(frame.segment.size());
  digits.insert(0, kLengthDigits - digits.size(), '0');
  std::string out(kHead);
  out.append(digits).append(frame.segment).append(hex(crc16(frame.segment), frame.lower_case)).append(kTail);
  return out;
}

std::size_t FrameReader::push(std::string_view bytes) {
  const std::size_t room =
      segment_bytes_max_ + kFrameBytesAround - std::min(buffer_.size(), segment_bytes_max_ + kFrameBytesAround);
  const std::size_t taken = std::min(room, bytes.size());
  buffer_.append(bytes.substr(0, taken));
  return taken;
}

FrameReader::Found FrameReader::drop(std::size_t bytes, Damage::Kind kind, std::string text) {
  Found found{.frame = std::nullopt, .damage = Damage{kind, position_, bytes, std::move(text)}};
  buffer_.erase(0, bytes);
  position_ += bytes;
  return found;
}

std::optional<FrameReader::Found> FrameReader::next() {
  if (buffer_.empty()) return std::nullopt;
  const std::size_t begin = buffer_.find(kHead);
  if (begin != 0) {
    // A single '#' at the end may be the first half of a head.
    const std::size_t noise = begin != std::string::npos ? begin : buffer_.size() - (buffer_.back() == '#' ? 1 : 0);
    if (noise == 0) return std::nullopt;
    return drop(noise, Damage::Kind::noise, "no \"##\": " + shown(std::string_view(buffer_).substr(0, noise)));
  }
  const std::string_view all = buffer_;
  const std::string_view digits = all.substr(kHead.size(), kLengthDigits);
  const auto length = length_in(digits);
  if (!length) return drop(1, Damage::Kind::length, "the length is not four digits: " + shown(digits));
  if (digits.size() < kLengthDigits) return std::nullopt;
  if (*length > segment_bytes_max_) {
    return drop(kHead.size(), Damage::Kind::oversize,
                "a segment of " + std::to_string(*length) + " bytes, more than " + std::to_string(segment_bytes_max_));
  }
  const std::size_t whole = *length + kFrameBytesAround;
  if (all.size() < whole) return std::nullopt;
  if (all.substr(whole - kTail.size(), kTail.size()) != kTail) {
    return drop(kHead.size(), Damage::Kind::tail,
                "no CR LF after the " + std::to_string(*length) + " bytes that the length says and the CRC");
  }
  const std::string_view segment = all.substr(kBeforeSegment, *length);
  const std::string_view crc = all.substr(kBeforeSegment + *length, kCrcDigits);
  const std::uint16_t right = crc16(segment);
  const bool lower_case = crc != hex(right, false);
  if (lower_case && crc != hex(right, true)) {
    return drop(whole, Damage::Kind::crc,
                "the CRC is " + shown(crc) + ", where " + hex(right, false) + " would be right for these " +
                    std::to_string(*length) + " bytes");
  }
  Found found{.frame = Frame{std::string(segment), lower_case}, .damage = std::nullopt};
  buffer_.erase(0, whole);
  position_ += whole;
  return found;
}

}  // namespace carbongate::hj212

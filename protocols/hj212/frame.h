// The packet of HJ 212-2017, 6.3 (table 2): a data segment between its length and its CRC.
//
//   frame := "##" length:4 decimal digits  segment  crc:4 hexadecimal digits  CR LF
//
// Length and CRC are of the segment alone, and count bytes: text in it is UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carbongate::hj212 {

inline constexpr std::size_t kSegmentBytesMax = 1024;            // by the standard
inline constexpr std::size_t kFrameBytesAround = 2 + 4 + 4 + 2;  // what a frame adds to its segment
inline constexpr std::size_t kSegmentBytesEver = 9'999;          // what four digits can say

// Appendix A: not the CRC-16 of Modbus, whose low byte it drops before each byte that comes in.
std::uint16_t crc16(std::string_view bytes);

struct Frame {
  std::string segment;
  bool lower_case = false;  // its CRC has small letters, as that of some loggers: the standard has capitals
};

// Precondition: the segment has at most kSegmentBytesEver bytes.
std::string encode(const Frame& frame);

// Bytes that are no frame: where they were, and why. They are passed over up to where a frame may begin again.
struct Damage {
  enum class Kind : std::uint8_t {
    noise,     // before "##"
    length,    // not four digits
    oversize,  // longer than allowed
    crc,       // the standard wants no answer to it
    tail,      // no CR LF where the length says
  } kind = Kind::noise;
  std::uint64_t at = 0;   // the byte of the stream where they begin, from 0
  std::size_t bytes = 0;  // passed over
  std::string text;       // "the CRC is 4980, where 3C00 would be right for these 124 bytes"
};

// Frames out of a stream, however it is cut. Holds no more than one frame.
class FrameReader {
 public:
  explicit FrameReader(std::size_t segment_bytes_max = kSegmentBytesMax) : segment_bytes_max_(segment_bytes_max) {}

  // Takes what it can of `bytes` and returns how much that was: all of it, unless next() has something to give.
  std::size_t push(std::string_view bytes);

  struct Found {
    std::optional<Frame> frame;  // or damage
    std::optional<Damage> damage;
  };

  // What is next in the stream; nullopt: more bytes are needed.
  std::optional<Found> next();

  std::size_t pending() const { return buffer_.size(); }  // bytes of a frame that is not complete
  std::uint64_t position() const { return position_; }    // of the first of them in the stream

 private:
  Found drop(std::size_t bytes, Damage::Kind kind, std::string text);

  std::size_t segment_bytes_max_;
  std::string buffer_;
  std::uint64_t position_ = 0;
};

}  // namespace carbongate::hj212

// Modbus RTU: a PDU between the unit's address and a CRC (Modbus over Serial Line V1.02, 2.5.1).
//
//   frame := unit:u8 pdu crc:u16 (low byte first)
//
// The standard ends a frame by 3.5 characters of silence. Neither an operating system nor a serial-to-Ethernet
// converter keeps that, so a frame's length is taken from its function and byte count, and the CRC confirms it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "protocols/modbus/errors.h"
#include "protocols/modbus/pdu.h"

namespace carbongate::modbus {

inline constexpr std::size_t kRtuFrameBytesMax = 256;
inline constexpr std::size_t kRtuFrameBytesMin = 4;

enum class Side : std::uint8_t { request, response };

struct RtuFrame {
  std::uint8_t unit = 0;
  std::span<const std::byte> pdu;  // points into the bytes given
  std::size_t bytes = 0;           // of the whole frame
};

// The frame at the start of `bytes`. nullopt: need more bytes. A function whose length is not known is an error
// (unknown_length), as is a wrong CRC.
Result<std::optional<RtuFrame>> decode_rtu(std::span<const std::byte> bytes, Side side);

// Bytes of the frame that begins so, CRC included. nullopt: need more bytes to tell.
Result<std::optional<std::size_t>> rtu_frame_bytes(std::span<const std::byte> bytes, Side side);

// Precondition: `pdu` holds 1 to kPduBytesMax bytes.
Bytes encode_rtu(std::uint8_t unit, std::span<const std::byte> pdu);

// Finds the frames of one side in what a line delivers: noise between them, glitches when the line is switched, frames
// cut off. Whatever is not part of a frame is dropped and counted. Holds at most kLineBytesMax bytes; feed no more than
// kRtuFrameBytesMax at a time and ask next() until it has nothing, then the limit is never met.
class RtuReceiver {
 public:
  static constexpr std::size_t kLineBytesMax = 2 * kRtuFrameBytesMax;

  explicit RtuReceiver(Side side) : side_(side) {}

  void feed(std::span<const std::byte> bytes);

  // The next whole frame; its spans live until the next call of any function. A beginning that may still become a frame
  // is kept, yet does not hide a frame that is whole behind it.
  std::optional<RtuFrame> next();

  void clear();  // forgets, and counts, what is not a frame yet: the line has been silent

  std::uint64_t noise_bytes() const { return noise_bytes_; }
  std::uint64_t bad_crcs() const { return bad_crcs_; }  // what looked like a frame but for its CRC
  std::size_t pending() const { return line_.size() - taken_; }

 private:
  void drop(std::size_t count);

  Side side_;
  Bytes line_;
  std::size_t taken_ = 0;  // bytes of line_ that were given out as a frame: removed at the next call
  std::uint64_t noise_bytes_ = 0;
  std::uint64_t bad_crcs_ = 0;
};

}  // namespace carbongate::modbus

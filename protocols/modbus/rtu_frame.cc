#include "protocols/modbus/rtu_frame.h"

#include <algorithm>
#include <cassert>

#include "protocols/wire/byte_reader.h"
#include "protocols/wire/crc16.h"

namespace carbongate::modbus {
namespace {

constexpr std::size_t kUnitAndCrc = 3;

// Bytes of the PDU that `pdu` begins, from Modbus Application Protocol V1.1b3, section 6. nullopt: need more bytes.
Result<std::optional<std::size_t>> request_bytes(std::span<const std::byte> pdu) {
  const auto counted = [&](std::size_t at) {
    return pdu.size() > at ? std::optional(at + 1 + std::to_integer<std::size_t>(pdu[at])) : std::nullopt;
  };
  switch (std::to_integer<unsigned>(pdu[0])) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 8: return std::optional<std::size_t>(5);
    case 7:
    case 11:
    case 12:
    case 17: return std::optional<std::size_t>(1);
    case 15:
    case 16: return counted(5);
    case 20:
    case 21: return counted(1);
    case 22: return std::optional<std::size_t>(7);
    case 23: return counted(9);
    case 24: return std::optional<std::size_t>(3);
    default: return Error::unknown_length;
  }
}

Result<std::optional<std::size_t>> response_bytes(std::span<const std::byte> pdu) {
  const auto function = std::to_integer<unsigned>(pdu[0]);
  if (function > 0x80) return std::optional<std::size_t>(2);
  switch (function) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 12:
    case 17:
    case 20:
    case 21:
    case 23: return pdu.size() > 1 ? std::optional(2 + std::to_integer<std::size_t>(pdu[1])) : std::nullopt;
    case 5:
    case 6:
    case 8:
    case 11:
    case 15:
    case 16: return std::optional<std::size_t>(5);
    case 7: return std::optional<std::size_t>(2);
    case 22: return std::optional<std::size_t>(7);
    case 24: {  // section 6.18: the byte count has two bytes
      if (pdu.size() < 3) return std::optional<std::size_t>();
      const std::size_t count = std::to_integer<std::size_t>(pdu[1]) << 8 | std::to_integer<std::size_t>(pdu[2]);
      return std::optional(3 + count);
    }
    default: return Error::unknown_length;
  }
}

}  // namespace

Result<std::optional<std::size_t>> rtu_frame_bytes(std::span<const std::byte> bytes, Side side) {
  if (bytes.size() < 2) return std::optional<std::size_t>();
  const auto pdu = bytes.subspan(1);
  const auto length = side == Side::request ? request_bytes(pdu) : response_bytes(pdu);
  if (!length || !*length) return length;
  const std::size_t whole = **length + kUnitAndCrc;
  if (whole > kRtuFrameBytesMax) return Error::bad_byte_count;
  return std::optional(whole);
}

Result<std::optional<RtuFrame>> decode_rtu(std::span<const std::byte> bytes, Side side) {
  const auto length = rtu_frame_bytes(bytes, side);
  if (!length) return length.error();
  if (!*length || bytes.size() < **length) return std::optional<RtuFrame>();
  const std::size_t whole = **length;
  const auto checked = bytes.first(whole - 2);
  if (wire::crc16_modbus(checked) != *wire::ByteReader(bytes.subspan(whole - 2)).u16_little_endian()) {
    return Error::bad_crc;
  }
  return std::optional(RtuFrame{std::to_integer<std::uint8_t>(bytes[0]), checked.subspan(1), whole});
}

Bytes encode_rtu(std::uint8_t unit, std::span<const std::byte> pdu) {
  assert(!pdu.empty() && pdu.size() <= kPduBytesMax);
  wire::ByteWriter out(kRtuFrameBytesMax);
  out.u8(unit).bytes(pdu);
  out.u16_little_endian(wire::crc16_modbus(out.written()));
  return *out.take();
}

void RtuReceiver::feed(std::span<const std::byte> bytes) {
  drop(0);
  line_.insert(line_.end(), bytes.begin(), bytes.end());
  // Looked through before it grows further: with frames taken out as they come, only noise gets this far.
  if (line_.size() > kLineBytesMax) {
    const std::size_t excess = line_.size() - kLineBytesMax;
    noise_bytes_ += excess;
    drop(excess);
  }
}

std::optional<RtuFrame> RtuReceiver::next() {
  drop(0);
  std::optional<std::size_t> unfinished;  // the first place where a frame may still be growing
  bool bad_crc = false;                   // of what begins the line
  for (std::size_t at = 0; at < line_.size(); ++at) {
    const auto frame = decode_rtu(std::span(line_).subspan(at), side_);
    if (!frame) {
      bad_crc = bad_crc || (at == 0 && frame.error() == make_error_code(Error::bad_crc));
      continue;
    }
    if (!*frame) {
      if (!unfinished) unfinished = at;
      continue;
    }
    noise_bytes_ += at;
    bad_crcs_ += bad_crc ? 1 : 0;
    taken_ = at + (*frame)->bytes;
    return *frame;
  }
  const std::size_t noise = unfinished.value_or(line_.size());
  noise_bytes_ += noise;
  bad_crcs_ += bad_crc ? 1 : 0;
  drop(noise);
  return std::nullopt;
}

void RtuReceiver::clear() {
  noise_bytes_ += pending();
  line_.clear();
  taken_ = 0;
}

void RtuReceiver::drop(std::size_t count) {
  const auto end = line_.begin() + static_cast<std::ptrdiff_t>(std::min(line_.size(), taken_ + count));
  line_.erase(line_.begin(), end);
  taken_ = 0;
}

}  // namespace carbongate::modbus

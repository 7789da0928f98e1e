// Modbus over TCP: a PDU behind its MBAP header (Modbus Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3).
//
//   frame := transaction:u16 protocol:u16 length:u16 unit:u8 pdu     protocol = 0, length = 1 + bytes of the pdu
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "protocols/modbus/errors.h"
#include "protocols/modbus/pdu.h"

namespace carbongate::modbus {

inline constexpr std::size_t kTcpHeaderBytes = 7;
inline constexpr std::size_t kTcpFrameBytesMax = kTcpHeaderBytes + kPduBytesMax;

struct TcpFrame {
  std::uint16_t transaction = 0;
  std::uint8_t unit = 0;
  std::span<const std::byte> pdu;  // points into the bytes given
  std::size_t bytes = 0;           // of the whole frame
};

// The frame at the start of `bytes`. nullopt: need more bytes. After an error the stream has no frames any more: close
// it.
Result<std::optional<TcpFrame>> decode_tcp(std::span<const std::byte> bytes);

// Precondition: `pdu` holds 1 to kPduBytesMax bytes.
Bytes encode_tcp(std::uint16_t transaction, std::uint8_t unit, std::span<const std::byte> pdu);

}  // namespace carbongate::modbus

#include "protocols/modbus/tcp_frame.h"

#include <cassert>

#include "protocols/wire/byte_reader.h"

namespace carbongate::modbus {

Result<std::optional<TcpFrame>> decode_tcp(std::span<const std::byte> bytes) {
  wire::ByteReader in(bytes);
  const auto transaction = in.u16();
  const auto protocol = in.u16();
  const auto length = in.u16();
  // Judged as soon as they are there: garbage must not make us wait for what it promises.
  if (protocol && *protocol != 0) return Error::bad_protocol;
  if (length && (*length < 2 || *length > kPduBytesMax + 1)) return Error::bad_length;
  if (!length || in.remaining() < *length) return std::optional<TcpFrame>();
  TcpFrame frame{.transaction = *transaction, .unit = *in.u8(), .pdu = *in.bytes(*length - 1u), .bytes = 0};
  frame.bytes = in.position();
  return std::optional(frame);
}

Bytes encode_tcp(std::uint16_t transaction, std::uint8_t unit, std::span<const std::byte> pdu) {
  assert(!pdu.empty() && pdu.size() <= kPduBytesMax);
  wire::ByteWriter out(kTcpFrameBytesMax);
  out.u16(transaction).u16(0).u16(static_cast<std::uint16_t>(pdu.size() + 1)).u8(unit).bytes(pdu);
  return *out.take();
}

}  // namespace carbongate::modbus

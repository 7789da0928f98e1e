// A stream of frames: each lies within the bytes, is written back as it was, and the stream is walked to its end.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "protocols/modbus/tcp_frame.h"

using namespace carbongate::modbus;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto stream = std::as_bytes(std::span(data, size));
  for (std::size_t at = 0; at < size;) {
    const auto frame = decode_tcp(stream.subspan(at));
    if (!frame || !*frame) break;
    const TcpFrame& f = **frame;
    if (f.pdu.empty() || f.bytes > kTcpFrameBytesMax || f.bytes > size - at) std::abort();
    const Bytes again = encode_tcp(f.transaction, f.unit, f.pdu);
    if (again.size() != f.bytes || std::memcmp(again.data(), data + at, f.bytes) != 0) std::abort();
    at += f.bytes;
  }
  return 0;
}

// A line heard in pieces: every byte ends up in a frame, in the noise count, or is still waiting; never more than the
// limit.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "protocols/modbus/rtu_frame.h"

using namespace carbongate::modbus;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto side = (data[0] & 1) != 0 ? Side::request : Side::response;
  auto rest = std::as_bytes(std::span(data + 1, size - 1));
  RtuReceiver line(side);
  std::size_t fed = 0;
  std::size_t framed = 0;
  for (std::size_t piece = 1 + data[0] / 2; !rest.empty(); piece = piece * 7 % 256 + 1) {
    const auto now = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(now.size());
    line.feed(now);
    fed += now.size();
    while (const auto frame = line.next()) {
      if (frame->bytes > kRtuFrameBytesMax || frame->pdu.size() + 3 != frame->bytes) std::abort();
      framed += frame->bytes;
    }
    if (line.pending() > RtuReceiver::kLineBytesMax) std::abort();
    if (framed + line.noise_bytes() + line.pending() != fed) std::abort();
  }
  return 0;
}

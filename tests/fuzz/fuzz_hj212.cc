// A stream of packets: each is written back as it was, and so is its data segment; the stream is walked to its end.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocols/hj212/frame.h"
#include "protocols/hj212/segment.h"

using namespace carbongate::hj212;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view stream(reinterpret_cast<const char*>(data), size);
  const auto check = [](std::string_view text) {
    const auto segment = parse_segment(text);
    if (!segment) return;
    if (to_text(*segment) != text) std::abort();
    const auto head = head_of(*segment);
    if (head && head_of({fields_of(*head), segment->area}).has_error()) std::abort();
    if (segment->area) {
      for (const auto& part : split({}, *segment->area, 100)) {
        if (part.size() > 1 && to_text(part).size() > 100) std::abort();
      }
    }
  };
  check(stream);  // so that what a CRC would hide is reached too
  FrameReader reader;
  std::uint64_t seen = 0;
  while (!stream.empty()) {
    const std::size_t taken = reader.push(stream.substr(0, 17));
    stream.remove_prefix(taken);
    while (const auto found = reader.next()) {
      if (found->frame) {
        const std::string again = encode(*found->frame);
        if (again.size() != found->frame->segment.size() + kFrameBytesAround) std::abort();
        check(found->frame->segment);
      } else if (found->damage->bytes == 0 || found->damage->at < seen) {
        std::abort();
      }
      seen = reader.position();
    }
    if (taken == 0) std::abort();  // it would never go on
  }
  return 0;
}

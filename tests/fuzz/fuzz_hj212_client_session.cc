// A platform that sends any bytes at any time: the session answers within its limits, sends what it is given, and
// always comes to an end.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocols/hj212/client_session.h"

using namespace carbongate::hj212;
using namespace std::chrono_literals;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ClientSession session(
      {.limits = {.st = "31", .mn = "M", .allow = {"1000", "1062", "1064", "1072", "2011", "2012"}}, .heartbeat = 60s},
      {.password = "123456"});
  ClientSession::Moment now{0ms, LocalTime(1'800'000'000'000ms)};
  session.connected(now);
  std::size_t given = 0;
  for (std::size_t at = 0; at < size;) {
    const std::uint8_t what = data[at++];  // 0: silence, 254: an upload, 255: a new connection, else so many bytes
    if (what == 0) {
      now.ticks = std::max(now.ticks + 1ms, session.due().value_or(now.ticks));
      now.local += 1ms;
    } else if (what == 254) {
      if (session.has_room() && session.upload("2011", {}, {{Value{"a05001-Rtd", "1"}}}, now)) ++given;
    } else if (what == 255) {
      session.lost();
      session.connected(now);
    } else {
      // As bytes, and as the text of a packet whose CRC is right.
      const std::size_t count = std::min<std::size_t>(what, size - at);
      const std::string_view text(reinterpret_cast<const char*>(data + at), count);
      session.received(text, now);
      session.received(encode({std::string(text)}), now);
      at += count;
    }
    int frames = 0;
    while (const auto bytes = session.next(now)) {
      if (++frames > 1'000) std::abort();
      if (bytes->size() > kSegmentBytesMax + kFrameBytesAround) std::abort();
      FrameReader reader;
      reader.push(*bytes);
      const auto found = reader.next();
      if (!found || !found->frame || !parse_segment(found->frame->segment)) std::abort();
      session.written();
    }
    while (const auto event = session.take_event()) {
      if (std::holds_alternative<ClientSession::Received>(*event) && given-- == 0) std::abort();
      if (const auto* asked = std::get_if<ClientSession::Asked>(&*event)) {
        if (const auto* change = std::get_if<Change>(&asked->work)) {
          if (read_set(to_text(change->set), {}) != change->set) std::abort();
          session.apply(change->set);
        }
        session.finish(asked->qn, execution_result::kDone);
      }
    }
  }
  return 0;
}

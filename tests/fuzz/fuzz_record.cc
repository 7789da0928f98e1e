// Any bytes as a record of the store: they are refused as damaged, or mean something that can be written and read
// again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/store/database.h"
#include "gateway/store/record.h"

namespace {

using namespace carbongate::store;

void require(bool holds) {
  if (!holds) std::abort();
}

// What comes out of writing is stable: reading and writing it once more changes nothing.
void check_row(RecordCodec& codec, const RecordColumns& columns) {
  try {
    const RecordColumns first = codec.encode(codec.decode_row(columns));
    const std::string body(first.body);
    require(first.kind == columns.kind && first.at_ms == columns.at_ms);
    const RecordColumns again =
        codec.encode(codec.decode_row({first.kind, first.at_ms, first.value, first.quality, body}));
    require(again.body == body && again.quality == first.quality);
  } catch (const DamagedRecord&) {
  }
}

template <class Decode>
void check_state(RecordCodec& codec, const Decode& decode, std::string_view bytes) {
  try {
    const std::string first(codec.encode(decode(bytes)));
    require(codec.encode(decode(first)) == first);
  } catch (const DamagedRecord&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  RecordCodec codec;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  check_row(codec, {.kind = static_cast<RowKind>(data[0] % 9),
                    .at_ms = 1'767'225'600'000,
                    .value = 1.5,
                    .quality = data[1],
                    .body = bytes});
  check_state(codec, [&](std::string_view b) { return codec.decode_point(b); }, bytes);
  check_state(codec, [&](std::string_view b) { return codec.decode_account(b); }, bytes);
  check_state(codec, [&](std::string_view b) { return codec.decode_alert(b); }, bytes);
  check_state(codec, [&](std::string_view b) { return codec.decode_station(b); }, bytes);
  return 0;
}

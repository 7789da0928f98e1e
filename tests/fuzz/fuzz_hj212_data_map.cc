// Any data area of a logger against a map of points, and any text as settings that were kept.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "drivers/hj212/data_map.h"
#include "protocols/hj212/requests.h"

using namespace carbongate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  hj212_driver::DataMap map;
  for (const char* field : {"Rtd", "Avg", "Cou"}) {
    map.points.push_back({.factor = "a05001", .field = field, .command = "2011", .scale = 0.5});
  }
  const Instant received{std::chrono::seconds(1'800'000'000)};
  if (const auto segment = hj212::parse_segment("CN=2011;CP=&&" + std::string(text) + "&&"); segment && segment->area) {
    const Decoded decoded = hj212_driver::decode(map, "2011", *segment->area, received);
    if (decoded.samples.size() > map.points.size()) std::abort();
    for (const Sample& sample : decoded.samples) {
      const bool is_available = sample.availability == Availability::available;
      // What is no number is kept as such.
      const bool is_sound = is_available ? !std::isinf(sample.value) : std::isnan(sample.value);
      if (sample.point >= map.points.size() || !is_sound) std::abort();
    }
  }
  const hj212::SetByPlatform set = hj212::read_set(text, {"1000", "1062", "1064", "1072", "2011"});
  if (hj212::read_set(hj212::to_text(set), {"1000", "1062", "1064", "1072", "2011"}) != set) std::abort();
  return 0;
}

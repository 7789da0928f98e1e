// Any payload against a map that uses everything there is. The first byte chooses the format of time.
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "drivers/json/payload_map.h"

namespace {

using namespace carbongate;
using namespace carbongate::json_payload;

PayloadMap make_map(TimeFormat format, bool zoned, bool records) {
  PayloadMap map;
  for (const char* pointer : {"", "/a", "/ENERGY/Total", "/list/0", "/values/t"}) {
    map.points.push_back(
        {.json = pointer, .numerator = 40, .denominator = 3, .time = std::nullopt, .error = std::nullopt});
  }
  map.points.push_back({.json = "/b", .time = "/b_ts", .error = "/errors/b"});
  map.timestamp = {.json = "/ts",
                   .format = format,
                   .zone = zoned ? find_zone("Europe/Berlin") : nullptr,
                   .arrival_if_missing = true};
  if (records) map.records = "/list";
  return map;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto format = static_cast<TimeFormat>(data[0] & 3u);
  const std::string_view payload(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Instant received{std::chrono::seconds(1'700'000'000)};

  const Decoded decoded = decode(make_map(format, (data[0] & 4u) != 0, (data[0] & 8u) != 0), payload, received);
  for (const Sample& sample : decoded.samples) {
    const bool available = sample.availability == Availability::available;
    if (available != std::isfinite(sample.value) || std::isinf(sample.value) || sample.point > 5) std::abort();
    const auto day = std::chrono::floor<std::chrono::days>(sample.at).time_since_epoch().count();
    if (day < 0 || day > 47'482) std::abort();  // 1970 to 2100
  }
  if (const auto at = read_time(payload, format, nullptr, received); at && at->time_since_epoch().count() < 0)
    std::abort();
  if (!pointer_problem(payload))
    decode({.points = {{.json = std::string(payload), .time = {}, .error = {}}}, .timestamp = {}, .records = {}},
           R"({"a":[1,{"b":2}]})", received);
  return 0;
}

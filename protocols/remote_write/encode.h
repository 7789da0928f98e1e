// Prometheus remote write 1.0: the body of a request is a protobuf message, compressed as one snappy block.
//
// Reference: "Prometheus Remote-Write 1.0 specification", prometheus.io/docs/specs/prw/remote_write_spec/. Headers that
// go with it: Content-Encoding: snappy, Content-Type: application/x-protobuf, X-Prometheus-Remote-Write-Version: 0.1.0.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carbongate::remote_write {

inline constexpr std::string_view kVersion = "0.1.0";  // what 1.0 says of itself in its header

struct Sample {
  std::int64_t time_ms = 0;  // since 1970, UTC
  double value = 0.0;
  friend bool operator==(const Sample&, const Sample&) = default;
};

// Label names match [a-zA-Z_][a-zA-Z0-9_]*, come sorted and once each, without empty values; "__name__" is the metric.
// Samples come in order of time, one of each instant.
struct Series {
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<Sample> samples;
};

// The message. The same series give the same bytes.
std::string encode(std::span<const Series> series);

// One snappy block (not the framed format).
std::string compress(std::string_view message);

}  // namespace carbongate::remote_write

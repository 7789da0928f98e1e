// One element of `sinks` with `type: line-protocol`; sample.yaml beside this file shows every key.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "config/reader/reader.h"
#include "gateway/sinks/shared/http_endpoint.h"

namespace carbongate::sinks::line_protocol {

// Where servers differ in what they take over HTTP. The lines are the same for all.
enum class Dialect : std::uint8_t {
  influxdb,         // 1.x, 2.x, 3.x, and whatever does as they do
  victoriametrics,  // the same
  questdb,          // bearer tokens; compressed requests from 9.1.0 only, so `gzip` is off by default
  tdengine,         // no tokens; that it takes compressed requests is nowhere stated, so `gzip` is off by default
  greptimedb,       // the same as influxdb; a token is USER:PASSWORD
};

// The target says precision=ms.
struct Config : shared::HttpEndpoint {
  Dialect dialect = Dialect::influxdb;
  bool gzip = true;
  std::size_t batch_rows = 5'000;
  std::chrono::milliseconds timeout{10'000};  // of one request

  // Problems go to the reader; what comes back then is not to be used.
  static Config from(config::Reader& in);
};

}  // namespace carbongate::sinks::line_protocol

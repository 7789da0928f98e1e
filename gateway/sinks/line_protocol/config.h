// One element of `sinks` with `type: line-protocol`; sample.yaml beside this file shows every key.
#pragma once

#include <chrono>
#include <cstddef>

#include "config/reader/reader.h"
#include "gateway/sinks/shared/http_endpoint.h"
#include "gateway/sinks/shared/row_kind.h"

namespace carbongate::sinks::line_protocol {

// The target says precision=ms.
struct Config : shared::HttpEndpoint {
  bool gzip = true;
  std::size_t batch_rows = 1000;
  std::chrono::milliseconds timeout{10'000};  // of one request
  shared::RowKinds rows;                      // what is sent

  // Problems go to the reader; what comes back then is not to be used.
  static Config from(config::Reader& in);
};

}  // namespace carbongate::sinks::line_protocol

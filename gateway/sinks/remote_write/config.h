// One element of `sinks` with `type: prometheus-remote-write`; sample.yaml beside this file shows every key.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "config/reader/reader.h"
#include "gateway/sinks/shared/http_endpoint.h"

namespace carbongate::sinks::remote_write {

struct Config : shared::HttpEndpoint {
  std::string tenant;  // "X-Scope-OrgID: ...", if not empty
  std::size_t batch_rows = 500;
  std::chrono::milliseconds timeout{10'000};  // of one request

  // Problems go to the reader; what comes back then is not to be used.
  static Config from(config::Reader& in);
};

}  // namespace carbongate::sinks::remote_write

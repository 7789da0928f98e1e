// One element of `sinks` with `type: webhook`; sample.yaml beside this file shows every key.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "config/reader/reader.h"
#include "config/reader/secret.h"
#include "gateway/sinks/shared/http_endpoint.h"

namespace carbongate::sinks::webhook {

enum class Format : std::uint8_t {
  cloudevents,   // CloudEvents 1.0, structured, one in each request
  alertmanager,  // POST /api/v2/alerts of Prometheus Alertmanager
};

struct Config : shared::HttpEndpoint {
  Format format = Format::cloudevents;
  config::Secret secret;       // that requests are signed with; empty: they are not
  std::string time_zone;       // of the site
  std::string escalated_from;  // the sink in whose place it tells; "": none. Not read: the sink's context has it
  std::size_t batch_rows = 100;
  std::chrono::milliseconds timeout{10'000};        // of one request
  std::chrono::milliseconds repeat_every{180'000};  // alertmanager: what fires is told again

  // Problems go to the reader; what comes back then is not to be used.
  static Config from(config::Reader& in, const config::Node& root);
};

}  // namespace carbongate::sinks::webhook

// One element of `sinks` with `type: hj212`; sample.yaml beside this file shows every key.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "config/reader/reader.h"
#include "drivers/api/reading.h"
#include "protocols/hj212/client_session.h"

namespace carbongate::sinks::hj212 {

// From here on one place of the window is kept for alerts; of a smaller one an alert goes beyond it.
inline constexpr std::size_t kWindowWithPlace = 4;

struct Config {
  std::string name;  // unique among the sinks
  std::string host;
  std::uint16_t port = 0;
  std::string where;    // for messages: "10.1.2.3:9003"
  std::string station;  // of `stations`
  bool sends_alerts = false;
  std::string time_zone = "Asia/Shanghai";
  std::size_t history_max = 10'000;                // records of one request
  std::chrono::milliseconds reconnect_max{5'000};  // the longest pause before the next try to connect
  carbongate::hj212::ClientOptions options;
  carbongate::hj212::ClientSettings settings;  // unless the platform has set others

  // Problems go to the reader; what comes back then is not to be used. `root`: of the whole configuration.
  static Config from(config::Reader& in, const config::Node& root);
};

}  // namespace carbongate::sinks::hj212

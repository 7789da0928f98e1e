// The daemon's own state as JSON: GET /status, /sinks, /devices, /site. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gateway/ops/facts.h"
#include "gateway/ops/login_facts.h"
#include "protocols/io/http_server.h"

namespace carbongate::ops {

// How many rows a second each sink has settled lately.
class SinkRates {
 public:
  static constexpr std::chrono::seconds kWindow{60};

  void note(const State& state);  // now and then, at most once a second
  double rows_per_s(const std::string& sink) const;

 private:
  std::map<std::string, std::deque<std::pair<Instant, std::uint64_t>>> settled_;
};

// What the server counts of itself.
struct ServerFacts {
  io::HttpServerStatus http;
  std::size_t streams = 0;
  std::uint64_t streams_dropped = 0;
  LoginFacts logins = {};
};

// Why the gateway is not ready to be relied on; empty: it is.
std::vector<std::string> not_ready(const State& state);

boost::json::object status_json(const Facts& facts, const State& state, const ServerFacts& server);
boost::json::object sink_json(const State& state, const ports::SinkStatus& sink, const SinkRates& rates);
boost::json::object device_json(const DriverStatus& driver, const DeviceStatus& device);
boost::json::value occupancy_of(const DriverStatus& driver);  // percent; null: nothing is asked on its line
boost::json::object driver_json(const DriverStatus& driver);
boost::json::object site_json(const Facts& facts);

// Of a device: each of its points with what was read last.
boost::json::array latest_readings(const Facts& facts, const std::string& device);

}  // namespace carbongate::ops

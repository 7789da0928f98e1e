// What an element of `devices` with `driver: http` says. sample.yaml shows every key.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader/node.h"
#include "config/reader/reader.h"
#include "config/reader/secret.h"
#include "drivers/api/device_plan.h"
#include "drivers/json/payload_map.h"
#include "protocols/http/endpoint.h"

namespace carbongate::http_driver {

// Of headers: case does not matter.
bool is_same_name(std::string_view a, std::string_view b);

struct Header {
  std::string name;
  config::Secret value;
};

class HttpPlan final : public DevicePlan {
 public:
  using DevicePlan::DevicePlan;

  // One URL is one device: nothing is shared.
  std::string group() const override { return endpoint.where + " (" + id() + ")"; }

  Origin origin(std::size_t point, double value) const override;

  http::Endpoint endpoint;
  std::vector<Header> headers;  // besides those of our own and Authorization
  json_payload::PayloadMap map;
  Duration interval{};  // of asking
  Duration timeout{};   // of a request, from connecting to the last byte of the answer
  std::size_t body_max = 0;
};

// Reads the element. A plan comes back in any case; problems go to the reader.
std::unique_ptr<HttpPlan> read_plan(config::Reader& device, const config::Node& root);

}  // namespace carbongate::http_driver

// Which devices a topic speaks of.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "drivers/mqtt/config.h"

namespace carbongate::mqtt_driver {

struct Target {
  std::size_t plan = 0;
  std::size_t member = 0;  // of that plan

  friend bool operator==(Target, Target) = default;
};

// Topics without wildcards are found by one look-up, however many devices there are; the others are tried one by one,
// but an element with {device} is one filter, with a look-up for its devices.
class Router {
 public:
  explicit Router(std::span<const std::unique_ptr<MqttPlan>> plans);  // they outlive the router

  struct Route {
    std::vector<Target> targets;
    std::string_view undeclared;  // no target, but this stood where a device id is expected: a view into the topic
  };
  Route find(std::string_view topic) const;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  template <class T>
  using ByName = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  struct Pattern {
    std::string filter;
    std::size_t plan = 0;
    std::optional<std::size_t> device_wildcard;
    ByName<std::size_t> members;  // by level
  };

  ByName<std::vector<Target>> exact_;
  std::vector<Pattern> patterns_;
};

}  // namespace carbongate::mqtt_driver

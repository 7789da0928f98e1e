// What an element of `devices` with `driver: hj212` says: a logger or analyser that connects to us. sample.yaml shows
// every key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "config/reader/node.h"
#include "config/reader/reader.h"
#include "config/reader/secret.h"
#include "drivers/api/device_plan.h"
#include "drivers/hj212/data_map.h"

namespace carbongate::hj212_driver {

inline constexpr std::size_t kConnectionsMax = 64;  // of one port; further ones are closed at once

class Hj212Plan final : public DevicePlan {
 public:
  using DevicePlan::DevicePlan;

  // Devices that are listened for at one address share its socket.
  std::string group() const override { return listen; }
  Origin origin(std::size_t point, double value) const override;

  std::string listen;                       // "0.0.0.0:9212"
  std::string mn;                           // whose packets these are
  config::Secret password;                  // PW of its packets; empty: any
  Duration interval{};                      // how often it sends
  std::size_t segment_max{};                // bytes; the largest of a group's devices counts
  std::size_t connections_per_address = 0;  // the same; 0: see address_connections_max()
  DataMap map;
};

// So many connections one address may hold, where nothing is configured: what its devices need if all of them are
// behind one address, and all connect anew while nobody knows that their old connections are dead.
std::size_t address_connections_max(std::size_t devices);

// Reads the element. A plan comes back in any case; problems go to the reader.
std::unique_ptr<Hj212Plan> read_plan(config::Reader& device, const config::Node& root);

}  // namespace carbongate::hj212_driver

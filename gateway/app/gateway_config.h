// The configuration of a whole site, checked: what app assembles the gateway from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/reader/problem.h"
#include "drivers/registry.h"
#include "gateway/app/repairs.h"
#include "gateway/model/certificate.h"
#include "gateway/model/site.h"
#include "gateway/ops/config.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/sinks/registry.h"
#include "gateway/store/store_config.h"

namespace carbongate::app {

inline constexpr std::uint64_t kMemoryMax = 512ull << 20;

struct ConfiguredDevice {
  const DriverType* type = nullptr;  // static storage
  std::unique_ptr<DevicePlan> plan;  // its points have their ids
};

// Complete only if reading it left no errors; with errors it holds what could be read, and is good for nothing but
// that.
struct GatewayConfig {
  model::Site site;
  std::vector<ConfiguredDevice> devices;  // in the order of the file; site.points holds their points in the same
                                          // order, then those of site.derived and site.health
  store::StoreConfig store;
  std::vector<std::unique_ptr<sinks::SinkPlan>> sinks;
  pipeline::FactorSources factor_sources;  // what `factors` was loaded from; live sets are in site.live_factors
  pipeline::FactorRegistry factors;
  std::vector<model::Certificate> certificates;
  std::vector<Repair> repairs;
  Duration corrections_quiet = std::chrono::minutes(10);      // late data are restated when none came for this long
  std::uint64_t memory_max = kMemoryMax;                      // bytes of the process in memory
  std::optional<ops::Config> ops;                             // the HTTP server; nullopt: none
  std::map<std::string, std::string, std::less<>> driver_of;  // the type of its driver, by device that has points
  std::string electricity_coal_method;                        // factor_set.h: calorific or equivalent
};

// Whether a point is of `driver: manual`.
bool is_measured_by_nothing(const GatewayConfig& config, PointId point);

// Reads the file, what it includes, and the profiles, factor sets and secrets it names. Opens no connection, writes
// nothing. Relative paths in it are relative to the file. Every problem is added to `problems`, none is thrown.
GatewayConfig load_config(const std::filesystem::path& file, config::Problems& problems);

// The same at a given time, which decides what emission factors apply "now".
GatewayConfig load_config(const std::filesystem::path& file, config::Problems& problems, Instant now);

}  // namespace carbongate::app

// From what drivers report of themselves to readings of their devices' health.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drivers/api/driver.h"
#include "drivers/api/reading.h"
#include "gateway/model/site.h"

namespace carbongate::app {

// No I/O and no clock. Of a device that has neither answered nor failed yet nothing is said.
class DeviceHealth {
 public:
  explicit DeviceHealth(const model::Site& site);

  bool empty() const { return points_.empty(); }

  // What there is to say at `now`: what has changed since the last call, and all of it each model::kHealthEvery; the
  // age of an answer also when it goes beyond the limit of a rule, or back.
  std::vector<Reading> look(std::span<const DriverStatus> drivers, Instant now);

 private:
  struct Said {
    model::HealthPoint point;
    std::string device;
    std::optional<Instant> at;  // when something was said last
    double value = 0;
    std::vector<double> limits = {};  // of rules: `above`
    bool was_online = false;          // answer_age: then
    std::uint64_t polls = 0;          // failed_requests: then
    std::uint64_t errors = 0;
  };
  static std::optional<double> value_of(Said& said, const DriverStatus& driver, const DeviceStatus& device,
                                        Instant now);

  std::vector<Said> points_;
};

}  // namespace carbongate::app

// The drivers there are: one line per type in registry.cc.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "config/reader/data_files.h"
#include "config/reader/reader.h"
#include "drivers/api/device_plan.h"
#include "drivers/api/driver.h"
#include "drivers/shared_section.h"
#include "protocols/io/clock.h"

namespace carbongate {

// What a driver needs from outside, besides its configuration. References outlive the driver.
struct DriverContext {
  boost::asio::any_io_executor executor;  // the loop
  io::Clock& clock;
};

// What a device may refer to outside its own element of the configuration.
struct PlanContext {
  const config::Node& root;
  const config::DataFiles& data;
  const SharedEntries* shared;  // of the driver type's section; nullptr if it has none
};

struct DriverType {
  std::string_view name;  // as in `devices[].driver`: "modbus-tcp"

  // The section whose entries its devices name, which is read before them. nullptr: they name none.
  const SharedSection* shared = nullptr;

  // Reads one element of `devices`. Problems go to the reader; a plan is returned in any case, so that later references
  // to its points do not cause problems of their own.
  std::unique_ptr<DevicePlan> (*read)(config::Reader& device, const PlanContext& context);

  // Makes the driver of one group: `plans` is not empty and all are of this type and of one group.
  std::unique_ptr<Driver> (*make)(std::vector<std::unique_ptr<DevicePlan>> plans, const DriverContext& context);
};

std::span<const DriverType> driver_types();

}  // namespace carbongate

#include "drivers/hj212/hj212_driver_type.h"

#include <memory>
#include <utility>
#include <vector>

#include "drivers/hj212/config.h"
#include "drivers/hj212/hj212_driver.h"

namespace carbongate::hj212_driver {
namespace {

std::unique_ptr<DevicePlan> read(config::Reader& device, const PlanContext& context) {
  return read_plan(device, context.root);
}

std::unique_ptr<Driver> make(std::vector<std::unique_ptr<DevicePlan>> plans, const DriverContext& context) {
  std::vector<std::unique_ptr<Hj212Plan>> own;
  for (auto& plan : plans) own.emplace_back(static_cast<Hj212Plan*>(plan.release()));
  return std::make_unique<Hj212Driver>(std::move(own), context);
}

}  // namespace

const DriverType kHj212{.name = "hj212", .read = &read, .make = &make};

}  // namespace carbongate::hj212_driver

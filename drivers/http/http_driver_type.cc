#include "drivers/http/http_driver_type.h"

#include <memory>
#include <utility>
#include <vector>

#include "drivers/http/config.h"
#include "drivers/http/http_driver.h"

namespace carbongate::http_driver {
namespace {

std::unique_ptr<DevicePlan> read(config::Reader& device, const PlanContext& context) {
  return read_plan(device, context.root);
}

// Each plan is a group of its own.
std::unique_ptr<Driver> make(std::vector<std::unique_ptr<DevicePlan>> plans, const DriverContext& context) {
  std::unique_ptr<HttpPlan> plan(static_cast<HttpPlan*>(plans.front().release()));
  const Schedule schedule(plan->interval);
  return std::make_unique<HttpDriver>(std::move(plan), context, schedule);
}

}  // namespace

const DriverType kHttp{.name = "http", .read = &read, .make = &make};

}  // namespace carbongate::http_driver

#include "drivers/mqtt/mqtt_driver_type.h"

#include <memory>
#include <utility>
#include <vector>

#include "drivers/mqtt/broker_config.h"
#include "drivers/mqtt/config.h"
#include "drivers/mqtt/mqtt_driver.h"
#include "protocols/mqtt/paho_session.h"

namespace carbongate::mqtt_driver {
namespace {

std::unique_ptr<DevicePlan> read(config::Reader& device, const PlanContext& context) {
  return read_plan(device, context.root, *context.shared);
}

std::unique_ptr<Driver> make(std::vector<std::unique_ptr<DevicePlan>> plans, const DriverContext& context) {
  std::vector<std::unique_ptr<MqttPlan>> ours;
  for (auto& plan : plans) ours.emplace_back(static_cast<MqttPlan*>(plan.release()));  // all are of this type
  auto make_session = [context](mqtt::SessionOptions options) {
    return std::make_unique<mqtt::PahoSession>(std::move(options), context.executor, context.clock);
  };
  return std::make_unique<MqttDriver>(std::move(ours), context, std::move(make_session));
}

}  // namespace

const DriverType kMqtt{.name = "mqtt", .shared = &kBrokers, .read = &read, .make = &make};

}  // namespace carbongate::mqtt_driver

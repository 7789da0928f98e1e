#include "gateway/app/make_drivers.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace carbongate::app {

std::vector<std::unique_ptr<Driver>> make_drivers(std::vector<ConfiguredDevice> devices, const DriverContext& context) {
  struct Group {
    const DriverType* type = nullptr;
    std::vector<std::unique_ptr<DevicePlan>> plans;
  };
  std::map<std::pair<std::string_view, std::string>, Group> groups;
  for (ConfiguredDevice& device : devices) {
    Group& group = groups[{device.type->name, device.plan->group()}];
    group.type = device.type;
    group.plans.push_back(std::move(device.plan));
  }
  std::vector<std::unique_ptr<Driver>> drivers;
  for (auto& [key, group] : groups) drivers.push_back(group.type->make(std::move(group.plans), context));
  return drivers;
}

}  // namespace carbongate::app

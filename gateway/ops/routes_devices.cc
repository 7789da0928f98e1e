// Devices: how they are, what was said to and by them last, and how one is asked now.
#include <algorithm>
#include <boost/json/array.hpp>
#include <string>
#include <utility>

#include "gateway/ops/frames_json.h"
#include "gateway/ops/json.h"
#include "gateway/ops/problem.h"
#include "gateway/ops/read_now.h"
#include "gateway/ops/routes.h"

namespace carbongate::ops {

namespace json = boost::json;

namespace {

io::HttpAnswer devices(const Context& context) {
  const State state = context.facts.state();
  json::array list;
  for (const DriverStatus& driver : state.drivers) list.push_back(driver_json(driver));
  return ok(to_text(json::object{{"at", model::format_utc(state.now)}, {"drivers", std::move(list)}}));
}

// What `tell` says of the device and its driver; 404 if there is none.
template <class Tell>
io::HttpAnswer of_device(const Context& context, const std::string& id, Tell tell) {
  const State state = context.facts.state();
  for (const DriverStatus& driver : state.drivers) {
    const auto found = std::ranges::find(driver.devices, id, &DeviceStatus::device);
    if (found != driver.devices.end()) return ok(to_text(tell(driver, *found)));
  }
  return problem(404, "there is no such device");
}

io::HttpAnswer device(const Context& context, const std::string& id) {
  return of_device(context, id, [&](const DriverStatus& driver, const DeviceStatus& status) {
    return json::object{{"device", device_json(driver, status)},
                        {"occupancy_percent", occupancy_of(driver)},
                        {"can_be_read", context.devices.poll_port(id) != nullptr},
                        {"points", latest_readings(context.facts, id)}};
  });
}

io::HttpAnswer frames(const Context& context, const std::string& id) {
  return of_device(context, id, [&](const DriverStatus&, const DeviceStatus&) {
    return frames_json(id, context.devices.frames(id));
  });
}

}  // namespace

void add_device_routes(std::vector<Route>& routes, const Context& context, ReadNow& read_now) {
  routes.push_back(
      {"GET", "/api/v1/devices", Role::viewer, {}, at_once([context](const Request&) { return devices(context); })});
  routes.push_back({"GET", "/api/v1/devices/{id}", Role::viewer, {}, at_once([context](const Request& request) {
                      return device(context, request.parameters.at(0));
                    })});
  routes.push_back(
      {"GET", "/api/v1/devices/{id}/frames", Role::operator_, {}, at_once([context](const Request& request) {
         return frames(context, request.parameters.at(0));
       })});
  routes.push_back({"POST", "/api/v1/devices/{id}/read", Role::operator_, {}, [&read_now](const Request& request) {
                      return read_now.answer(request);
                    }});
}

}  // namespace carbongate::ops

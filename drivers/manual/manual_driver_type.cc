#include "drivers/manual/manual_driver_type.h"

#include <set>
#include <string>
#include <utility>

#include "config/reader/text.h"
#include "drivers/point_kind.h"

namespace carbongate::manual_driver {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

class Plan final : public DevicePlan {
 public:
  using DevicePlan::DevicePlan;
  std::string group() const override { return "by hand"; }
  Origin origin(std::size_t, double) const override {
    return {.where = "entered by hand", .decoding = {}, .bytes = {}};
  }
};

class ManualDriver final : public Driver {
 public:
  ManualDriver(std::vector<std::unique_ptr<DevicePlan>> plans, io::Clock& clock) : clock_(clock) {
    status_.name = "manual";
    status_.connected = true;
    status_.since = clock.now();
    for (const auto& plan : plans) {
      DeviceStatus device;
      device.device = plan->id();
      device.state = DeviceStatus::State::online;
      device.since = status_.since;
      device.detail = "entered by hand";
      status_.devices.push_back(std::move(device));
    }
  }
  asio::awaitable<void> run(Inbox&) override {
    for (;;) co_await clock_.sleep_until(clock_.ticks() + 1h);
  }
  asio::awaitable<std::vector<Reading>> read_once(std::vector<std::string>, Duration) override {
    co_return std::vector<Reading>();
  }
  DriverStatus status() const override { return status_; }

 private:
  io::Clock& clock_;
  DriverStatus status_;
};

// An amount is that of its stretch of time: there is no register.
void read_point(config::Reader& in, Plan& plan, std::set<std::string>& names) {
  Point point;
  point.device = plan.id();
  point.name = in.required<std::string>("name");
  if (!point.name.empty() && !names.insert(point.name).second) {
    in.error("name", "the point '" + config::printable(point.name) + "' is there twice");
  }
  read_unit(in, point);
  point.kind = Kind::interval;
  in.finish();
  plan.points().push_back(std::move(point));
}

std::unique_ptr<DevicePlan> read(config::Reader& device, const PlanContext&) {
  auto plan = std::make_unique<Plan>(device.value_or("id", ""));
  std::set<std::string> names;
  const auto& items = device.required_items("points");
  for (const config::Node& item : items) {
    config::Reader in(item, device.problems());
    read_point(in, *plan, names);
  }
  if (device.has("points") && items.empty()) device.error("points", "names no point; nothing could be entered");
  return plan;
}

std::unique_ptr<Driver> make(std::vector<std::unique_ptr<DevicePlan>> plans, const DriverContext& context) {
  return std::make_unique<ManualDriver>(std::move(plans), context.clock);
}

}  // namespace

const DriverType kManual{.name = "manual", .read = &read, .make = &make};

}  // namespace carbongate::manual_driver

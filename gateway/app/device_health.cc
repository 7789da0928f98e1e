#include "gateway/app/device_health.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <utility>

#include "gateway/app/gateway.h"

namespace carbongate::app {

namespace asio = boost::asio;
using model::Health;
using namespace std::chrono_literals;

namespace {

constexpr auto kLookEvery = 1s;

}  // namespace

DeviceHealth::DeviceHealth(const model::Site& site) {
  for (const model::HealthPoint& point : site.health) {
    points_.push_back({.point = point, .device = site.points.at(index(point.point)).device, .at = {}});
    for (const model::Watch& watch : site.watches) {
      const auto& above = site.alert_rules.at(watch.rule_place).above;
      if (above && std::ranges::find(watch.points, point.point) != watch.points.end())
        points_.back().limits.push_back(*above);
    }
  }
}

std::vector<Reading> DeviceHealth::look(std::span<const DriverStatus> drivers, Instant now) {
  std::vector<Reading> readings;
  for (const DriverStatus& driver : drivers) {
    for (const DeviceStatus& device : driver.devices) {
      if (device.state == DeviceStatus::State::starting) continue;
      for (Said& said : points_) {
        if (said.device != device.device) continue;
        const std::optional<double> value = value_of(said, driver, device, now);
        if (!value) continue;
        said.at = now;
        said.value = *value;
        readings.push_back({.point = said.point.point, .at = now, .value = *value});
      }
    }
  }
  return readings;
}

// nullopt: there is nothing to say. A clock that was set back begins anew.
std::optional<double> DeviceHealth::value_of(Said& said, const DriverStatus& driver, const DeviceStatus& device,
                                             Instant now) {
  const bool is_due = !said.at || now - *said.at >= model::kHealthEvery || now < *said.at;
  const bool is_online = device.state == DeviceStatus::State::online;
  switch (said.point.what) {
    case Health::connected:
    case Health::answering: {
      const bool is_connected = device.connected.value_or(driver.connected);
      const double value = (said.point.what == Health::connected ? is_connected : is_online) ? 1 : 0;
      return is_due || value != said.value ? std::optional(value) : std::nullopt;
    }
    case Health::failed_requests: {
      if (!said.at) said.at = now;  // what was asked before is counted in the first minute
      if (!is_due || now == *said.at || device.polls <= said.polls) return std::nullopt;
      const std::uint64_t polls = device.polls - std::exchange(said.polls, device.polls);
      const std::uint64_t errors = std::min(polls, device.errors - std::exchange(said.errors, device.errors));
      return 100.0 * static_cast<double>(errors) / static_cast<double>(polls);
    }
    case Health::answer_age: {
      const Instant heard = std::min(device.heard.value_or(device.since), now);
      const double age = static_cast<double>((now - heard).count()) / 1000;
      const auto is_passed = [&](double limit) { return (said.value > limit) != (age > limit); };
      if (!is_due && is_online == said.was_online && std::ranges::none_of(said.limits, is_passed)) return std::nullopt;
      said.was_online = is_online;
      return age;
    }
  }
  return std::nullopt;
}

// Ends with the drivers, whose last words are not that their devices are gone.
asio::awaitable<void> Gateway::tell_health() {
  if (health_.empty()) co_return;
  while (!stopping_) {
    co_await clock_.sleep_until(clock_.ticks() + kLookEvery);
    if (stopping_ || !clock_.is_known()) continue;
    std::vector<DriverStatus> drivers;
    for (const auto& driver : drivers_) drivers.push_back(driver->status());
    const Instant now = clock_.now();
    if (!co_await push({.source = "devices", .received = now, .readings = health_.look(drivers, now), .settled = {}})) {
      co_return;
    }
  }
}

}  // namespace carbongate::app

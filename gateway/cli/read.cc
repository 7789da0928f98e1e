#include "gateway/cli/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <cmath>
#include <ostream>
#include <set>

#include "gateway/app/gateway_config.h"
#include "gateway/app/make_drivers.h"
#include "gateway/pipeline/quality.h"
#include "protocols/io/system_clock.h"
#include "protocols/io/task_group.h"

namespace carbongate::cli {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int kExitUsage = 64;
constexpr int kExitUnavailable = 69;
constexpr int kExitConfig = 78;

struct Answer {
  DeviceStatus status;
  std::vector<Reading> readings;
};

// The ids that `options` names but the site does not have.
std::vector<std::string> unknown_devices(const ReadOptions& options, const model::Site& site) {
  std::vector<std::string> unknown;
  for (const std::string& device : options.devices) {
    if (!std::ranges::any_of(site.points, [&](const Point& p) { return p.device == device; })) unknown.push_back(device);
  }
  return unknown;
}

asio::awaitable<void> ask(Driver& driver, std::vector<std::string> wanted, Duration patience, const model::Site& site,
                          std::vector<Answer>& answers) {
  std::vector<std::string> mine;
  for (const DeviceStatus& device : driver.status().devices) {
    if (wanted.empty() || std::ranges::find(wanted, device.device) != wanted.end()) mine.push_back(device.device);
  }
  if (mine.empty()) co_return;
  const std::vector<Reading> readings = co_await driver.read_once(mine, patience);
  for (DeviceStatus& device : driver.status().devices) {
    if (std::ranges::find(mine, device.device) == mine.end()) continue;
    Answer answer{.status = std::move(device), .readings = {}};
    for (const Reading& reading : readings) {
      if (site.points[index(reading.point)].device == answer.status.device) answer.readings.push_back(reading);
    }
    answers.push_back(std::move(answer));
  }
}

// As the first reading of its point: there is nothing before it to compare it with.
model::Quality judge(const Reading& reading, const model::Site& site, Instant now) {
  const pipeline::QualityRules rules(site.points[index(reading.point)], site.future_tolerance);
  return rules.judge(reading, model::PointState{}, now, now);
}

std::string value_text(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "-"; }

std::string quality_text(model::Quality quality) {
  std::string text(model::to_string(quality.origin));
  if (quality.rule != model::Rule::none) text += fmt::format(" ({})", model::to_string(quality.rule));
  return text;
}

void print_table(const std::vector<Answer>& answers, const model::Site& site, Instant now, std::ostream& out) {
  for (const Answer& answer : answers) {
    if (answer.readings.empty()) {
      out << fmt::format("{}: no answer: {}\n", answer.status.device, answer.status.detail);
      continue;
    }
    out << fmt::format("{}: {} points in {} ms\n", answer.status.device, answer.readings.size(),
                       answer.status.round_trip.count());
    for (const Reading& reading : answer.readings) {
      const Point& point = site.points[index(reading.point)];
      const model::Quality quality = judge(reading, site, now);
      out << fmt::format("  {:<28} {:>16} {:<6} {}\n", point.name, value_text(reading.value), point.unit.symbol,
                         quality_text(quality));
    }
  }
}

void print_json(const std::vector<Answer>& answers, const model::Site& site, Instant now, std::ostream& out) {
  json::array devices;
  for (const Answer& answer : answers) {
    json::array readings;
    for (const Reading& reading : answer.readings) {
      const Point& point = site.points[index(reading.point)];
      const model::Quality quality = judge(reading, site, now);
      readings.push_back({{"point", point.name},
                          {"value", std::isfinite(reading.value) ? json::value(reading.value) : json::value(nullptr)},
                          {"unit", point.unit.symbol},
                          {"quality", model::to_string(quality.origin)},
                          {"rule", model::to_string(quality.rule)},
                          {"at_ms", reading.at.time_since_epoch().count()}});
    }
    json::object device{{"device", answer.status.device},
                        {"answered", !answer.readings.empty()},
                        {"round_trip_ms", answer.status.round_trip.count()},
                        {"readings", std::move(readings)}};
    if (!answer.status.detail.empty()) device["error"] = answer.status.detail;
    devices.push_back(std::move(device));
  }
  out << json::serialize(json::object{{"site", site.id}, {"devices", std::move(devices)}}) << "\n";
}

}  // namespace

int run_read(const ReadOptions& options, std::ostream& out, std::ostream& err) {
  config::Problems problems;
  app::GatewayConfig config = app::load_config(options.config, problems);
  err << problems.to_text();
  if (problems.has_errors()) return kExitConfig;
  const std::vector<std::string> unknown = unknown_devices(options, config.site);
  if (!unknown.empty()) {
    std::set<std::string> known;
    for (const Point& point : config.site.points) known.insert(point.device);
    const std::vector<std::string> candidates(known.begin(), known.end());
    for (const std::string& device : unknown) {
      err << fmt::format("{}: no such device{}\n", device, config::suggestion(device, candidates));
    }
    return kExitUsage;
  }

  asio::io_context loop(1);
  io::SystemClock clock;
  const model::Site site = config.site;
  const auto drivers = app::make_drivers(std::move(config.devices), {loop.get_executor(), clock});
  std::vector<Answer> answers;
  io::TaskGroup tasks(loop.get_executor());
  bool failed = false;
  for (const auto& driver : drivers) {
    tasks.spawn(ask(*driver, options.devices, options.patience, site, answers), [&](std::exception_ptr error) {
      if (!error) return;
      failed = true;
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& e) {
        err << driver->status().name << ": " << e.what() << "\n";
      }
    });
  }
  loop.run();

  std::ranges::sort(answers, {}, [](const Answer& a) { return a.status.device; });
  const Instant now = clock.now();
  options.json ? print_json(answers, site, now, out) : print_table(answers, site, now, out);
  const bool all_answered = std::ranges::none_of(answers, [](const Answer& a) { return a.readings.empty(); });
  return failed || !all_answered ? kExitUnavailable : 0;
}

}  // namespace carbongate::cli

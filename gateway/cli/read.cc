#include "gateway/cli/read.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <cmath>
#include <ostream>
#include <set>
#include <span>
#include <utility>

#include "gateway/app/gateway_config.h"
#include "gateway/app/make_drivers.h"
#include "gateway/pipeline/quality.h"
#include "protocols/io/system_clock.h"
#include "protocols/io/task_group.h"

namespace carbongate::cli {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

struct Answer {
  DeviceStatus status;
  std::vector<Reading> readings;
};

// The ids that `options` names but the site does not have, or that have nothing to be asked: what is computed.
std::vector<std::string> unknown_devices(const ReadOptions& options, const model::Site& site) {
  std::vector<std::string> unknown;
  for (const std::string& device : options.devices) {
    const auto asked = std::span(site.points).first(site.points.size() - site.derived.size());
    if (!std::ranges::any_of(asked, [&](const Point& p) { return p.device == device; })) unknown.push_back(device);
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

std::string value_text(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "-";
}

std::string quality_text(model::Quality quality) {
  std::string text(model::to_string(quality.origin));
  if (quality.rule != model::Rule::none) text += fmt::format(" ({})", model::to_string(quality.rule));
  return text;
}

// What the device was asked for and did not give: registers that it refuses, keys that its message lacks.
std::vector<const Point*> missing_of(const Answer& answer, const model::Site& site) {
  std::vector<const Point*> missing;
  for (const Point& point : site.points) {
    if (point.device == answer.status.device &&
        std::ranges::find(answer.readings, point.id, &Reading::point) == answer.readings.end())
      missing.push_back(&point);
  }
  return missing;
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
    for (const Point* point : missing_of(answer, site)) {
      out << fmt::format("  {:<28} {:>16} {:<6} missing: {}\n", point->name, "-", point->unit.symbol,
                         answer.status.detail);
    }
  }
}

std::string json_text(std::string_view text) {
  return json::serialize(json::string(text));
}

// Written field by field: Boost.JSON would print 230.2 as 2.302E2.
std::string json_of(const Reading& reading, const model::Site& site, Instant now) {
  const Point& point = site.points[index(reading.point)];
  const model::Quality quality = judge(reading, site, now);
  return fmt::format(R"({{"point":{},"value":{},"unit":{},"quality":{},"rule":{},"at_ms":{}}})", json_text(point.name),
                     std::isfinite(reading.value) ? fmt::format("{}", reading.value) : "null",
                     json_text(point.unit.symbol), json_text(model::to_string(quality.origin)),
                     json_text(model::to_string(quality.rule)), reading.at.time_since_epoch().count());
}

void print_json(const std::vector<Answer>& answers, const model::Site& site, Instant now, std::ostream& out) {
  out << fmt::format(R"({{"site":{},"devices":[)", json_text(site.id));
  const char* next_device = "";
  for (const Answer& answer : answers) {
    out << std::exchange(next_device, ",")
        << fmt::format(R"({{"device":{},"answered":{},"round_trip_ms":{},)", json_text(answer.status.device),
                       !answer.readings.empty(), answer.status.round_trip.count());
    if (!answer.status.detail.empty()) out << fmt::format(R"("error":{},)", json_text(answer.status.detail));
    out << R"("readings":[)";
    const char* next_reading = "";
    for (const Reading& reading : answer.readings)
      out << std::exchange(next_reading, ",") << json_of(reading, site, now);
    out << "]}";
  }
  out << "]}\n";
}

}  // namespace

int run_read(const ReadOptions& options, std::ostream& out, std::ostream& err) {
  config::Problems problems;
  app::GatewayConfig config = app::load_config(options.config, problems);
  err << problems.to_text();
  if (problems.has_errors()) return EX_CONFIG;
  const std::vector<std::string> unknown = unknown_devices(options, config.site);
  if (!unknown.empty()) {
    std::set<std::string> known;
    for (const Point& point : config.site.points) known.insert(point.device);
    const std::vector<std::string> candidates(known.begin(), known.end());
    for (const std::string& device : unknown) {
      err << fmt::format("{}: no such device{}\n", device, config::suggestion(device, candidates));
    }
    return EX_USAGE;
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
  const bool all_answered = std::ranges::all_of(answers, [&](const Answer& a) { return missing_of(a, site).empty(); });
  return failed || !all_answered ? EX_UNAVAILABLE : 0;
}

}  // namespace carbongate::cli

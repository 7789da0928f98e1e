// Runs the MQTT driver against a real broker, with an inbox in place of the gateway. One line of JSON on stdout for
// each reading; log lines on stderr.
//
//   mqtt_probe commit CONFIG           every batch is committed at once
//   mqtt_probe hold CONFIG             none is, until SIGUSR1; then as `commit`
//   mqtt_probe read CONFIG [DEVICE..]  reads once, with 5 s of patience
//
// SIGTERM stops it in order; the last line is then {"stopped": <milliseconds>, "dropped": n, ...}.
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/reader/data_files.h"
#include "config/reader/node.h"
#include "config/reader/reader.h"
#include "drivers/mqtt/mqtt_driver_type.h"
#include "protocols/io/system_clock.h"
#include "protocols/io/task_group.h"

namespace {

namespace asio = boost::asio;
using namespace carbongate;
using namespace std::chrono_literals;

class Probe final : public Inbox {
 public:
  explicit Probe(bool commits) : commits_(commits) {}

  asio::awaitable<bool> push(Batch batch) override {
    for (const Reading& reading : batch.readings) print(reading);
    if (batch.settled) {
      if (commits_) {
        batch.settled(true);
      } else {
        held_.push_back(std::move(batch.settled));
      }
    }
    co_return true;
  }

  void commit_from_now_on() {
    commits_ = true;
    for (auto& settled : std::exchange(held_, {})) settled(true);
  }

  void print(const Reading& reading) const {
    fmt::print("{{\"point\": \"{}\", \"value\": {}, \"at\": {}}}\n", names_.at(index(reading.point)),
               reading.availability == Availability::available ? fmt::format("{}", reading.value) : "null",
               reading.at.time_since_epoch().count());
    std::fflush(stdout);
  }

  void add_name(std::string name) { names_.push_back(std::move(name)); }

 private:
  bool commits_;
  std::vector<std::string> names_;
  std::vector<std::function<void(bool)>> held_;
};

using Plans = std::map<std::string, std::vector<std::unique_ptr<DevicePlan>>>;  // by broker

Plans load(const char* file, Probe& probe) {
  config::Problems problems;
  const config::Node root = config::parse_file(file, problems);
  const config::DataFiles data(std::filesystem::path(file).parent_path());
  const SharedEntries brokers(*mqtt_driver::kMqtt.shared, root, problems);
  Plans plans;
  std::uint32_t next = 0;
  for (const config::Node& item : root.find("devices")->items()) {
    config::Reader in(item, problems);
    auto plan = mqtt_driver::kMqtt.read(in, {root, data, &brokers});
    for (Point& point : plan->points()) {
      point.id = PointId{next++};
      probe.add_name(point.full_name());
    }
    plans[plan->group()].push_back(std::move(plan));
  }
  fmt::print(stderr, "{}", problems.to_text());
  if (problems.has_errors()) plans.clear();
  return plans;
}

void print_status(const DriverStatus& status, std::chrono::milliseconds took) {
  fmt::print("{{\"stopped\": {}, \"dropped\": {}, \"unclaimed\": {}, \"reconnects\": {}}}\n", took.count(),
             status.dropped, status.unclaimed, status.reconnects);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  spdlog::set_default_logger(spdlog::stderr_logger_st("mqtt"));
  const std::string mode = argv[1];
  asio::io_context loop(1);
  io::SystemClock clock;
  Probe probe(mode != "hold");
  auto plans = load(argv[2], probe);
  if (plans.empty()) return 78;
  std::vector<std::unique_ptr<Driver>> drivers;
  for (auto& [broker, of_broker] : plans) {
    drivers.push_back(mqtt_driver::kMqtt.make(std::move(of_broker), {loop.get_executor(), clock}));
  }

  if (mode == "read") {
    asio::co_spawn(loop, drivers.front()->read_once(std::vector<std::string>(argv + 3, argv + argc), 5s),
                   [&](const std::exception_ptr&, const std::vector<Reading>& readings) {
                     for (const Reading& reading : readings) probe.print(reading);
                   });
    loop.run();
    return 0;
  }

  io::TaskGroup running(loop.get_executor());
  asio::signal_set terminate(loop, SIGTERM);
  asio::signal_set commit(loop, SIGUSR1);
  io::SteadyTime asked{};
  for (const auto& driver : drivers) {
    running.spawn(driver->run(probe), [&](const std::exception_ptr&) {
      print_status(driver->status(), clock.ticks() - asked);
      if (running.size() == 0) commit.cancel();
    });
  }
  terminate.async_wait([&](const boost::system::error_code&, int) {
    asked = clock.ticks();
    running.cancel();
  });
  commit.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) probe.commit_from_now_on();
  });
  loop.run();
  return 0;
}

// park: the simulated park as a process. deploy/quickstart starts it; see park.h for what it plays.
#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <iostream>
#include <optional>

#include "deploy/demo/messages.h"
#include "deploy/demo/modbus_server.h"
#include "deploy/demo/mqtt_publisher.h"
#include "deploy/demo/park.h"
#include "deploy/demo/register_image.h"

namespace {

using namespace carbongate::demo;
using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

volatile std::sig_atomic_t stop_requested = 0;

struct Options {
  int modbus_port = 15020;
  int mqtt_port = 18830;
  double speed = 900.0;
  std::string data = CARBONGATE_DEMO_DATA;
  double begin_hours = 24.0 * 168 + 6.0;  // Monday 18 June, 06:00: the early shift begins and the sun is up
  double run_for_s = 0.0;                 // 0: until a signal
};

// Meters refresh their registers ten times a second and MQTT meters speak once a second.
constexpr auto kTick = 100ms;
constexpr int kTicksPerMessage = 10;

void publish(const Park& park, MqttPublisher& mqtt) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  mqtt.publish("tele/press-shop/SENSOR", tasmota_sensor(park.press_shop(), now));
  mqtt.publish("park/air-station/meter", flat_meter(park.air_station(), now));
  mqtt.publish("park/dormitory/meter", two_way_meter(park.dormitory(), now));
  mqtt.publish("park/furnace/gas", gas_meter(park.furnace(), now));
}

void run(const Options& options) {
  Park park(options.data, std::chrono::seconds(static_cast<std::int64_t>(options.begin_hours * 3600.0)), options.speed);
  RegisterImage incomer = make_eastron_sdm630();
  RegisterImage rolling_shop = make_chint_dtsu666();
  RegisterImage solar_roofs = make_eastron_sdm630();
  ModbusServer modbus(options.modbus_port);
  modbus.add_unit(1, incomer);
  modbus.add_unit(2, rolling_shop);
  modbus.add_unit(3, solar_roofs);
  MqttPublisher mqtt(options.mqtt_port, "tele/press-shop/LWT");

  std::cout << "park ready: Modbus TCP 127.0.0.1:" << options.modbus_port
            << " units 1 to 3, MQTT to 127.0.0.1:" << options.mqtt_port << ", one second plays " << options.speed
            << " recorded seconds" << std::endl;

  const auto begin = SteadyClock::now();
  auto counted_until = begin;
  for (int tick = 1; stop_requested == 0; ++tick) {
    show_on_eastron_sdm630(park.incomer(), incomer);
    show_on_chint_dtsu666(park.rolling_shop(), rolling_shop);
    show_on_eastron_sdm630(park.solar_roofs(), solar_roofs);
    if (tick % kTicksPerMessage == 0) publish(park, mqtt);
    mqtt.turn();
    modbus.serve_until(begin + tick * kTick);
    const auto now = SteadyClock::now();
    park.advance(now - counted_until);
    counted_until = now;
    if (options.run_for_s > 0.0 && now - begin >= std::chrono::duration<double>(options.run_for_s)) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"park: a simulated industrial park of Modbus TCP and MQTT meters that play recorded years, on loopback"};
  app.footer("Example:\n  park --modbus-port 15020 --mqtt-port 18830 --speed 900 --for 60s");
  app.add_option("--modbus-port", options.modbus_port, "Port to serve Modbus TCP on")->capture_default_str();
  app.add_option("--mqtt-port", options.mqtt_port, "Port of the broker to publish to")->capture_default_str();
  app.add_option("--speed", options.speed, "Recorded seconds played per second")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--begin-hour", options.begin_hours, "Hour of the recorded year to begin at")
      ->check(CLI::Range(0.0, 8760.0))
      ->capture_default_str();
  app.add_option("--for", options.run_for_s, "End by itself after this time, such as 60s or 5min")
      ->transform(CLI::AsNumberWithUnit(std::map<std::string, double>{{"s", 1.0}, {"min", 60.0}, {"h", 3600.0}},
                                        CLI::AsNumberWithUnit::UNIT_REQUIRED, "TIME"));
  app.add_option("--data", options.data, "Folder with the recorded years")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  struct sigaction action{};
  action.sa_handler = [](int) { stop_requested = 1; };  // without SA_RESTART: poll() returns
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);

  try {
    run(options);
  } catch (const std::exception& error) {
    std::cerr << "park: " << error.what() << "\n";
    return 1;
  }
  return 0;
}

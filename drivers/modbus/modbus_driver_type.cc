#include "drivers/modbus/modbus_driver_type.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drivers/modbus/config.h"
#include "drivers/modbus/modbus_driver.h"
#include "protocols/modbus/serial_transport.h"
#include "protocols/modbus/tcp_transport.h"

namespace carbongate::modbus_driver {
namespace {

// A converter sends what it has in packets of its own making; a late answer is through it after this.
constexpr Duration kConverterQuiet{50};
constexpr Duration kConverterSilence{5};

template <Way way>
std::unique_ptr<DevicePlan> read(config::Reader& device, const PlanContext& context) {
  return read_plan(device, context, way);
}

LineOptions line_options(Way way, const modbus::SerialLine& line) {
  LineOptions options;
  if (way == Way::tcp) return options;
  options.framing = LineOptions::Framing::rtu;
  if (way == Way::rtu_over_tcp) {
    options.silence = kConverterSilence;
    options.quiet_after_timeout = kConverterQuiet;
    return options;
  }
  options.silence = modbus::silence_between_frames(line);
  options.quiet_after_timeout = 2 * options.silence;
  options.byte_time = modbus::byte_time(line);
  options.reconnect_when_silent = false;  // a port that is gone says so
  return options;
}

std::unique_ptr<Driver> make(std::vector<std::unique_ptr<DevicePlan>> plans, const DriverContext& context) {
  std::vector<ModbusDriver::Unit> units;
  for (auto& base : plans) {
    auto& plan = static_cast<ModbusPlan&>(*base);  // all are of this type
    std::vector<PointId> points;
    for (const Point& point : plan.points()) points.push_back(point.id);
    units.push_back({std::move(plan.device), std::move(points)});
  }
  const auto& first = static_cast<const ModbusPlan&>(*plans.front());  // of its group, which all share
  static constexpr const char* kNames[] = {"modbus-tcp ", "modbus-rtu ", "modbus-rtu-tcp "};
  std::unique_ptr<modbus::ByteTransport> transport;
  if (first.way == Way::rtu) {
    transport = std::make_unique<modbus::SerialTransport>(context.executor, first.line);
  } else {
    transport = std::make_unique<modbus::TcpTransport>(context.executor, first.endpoint.host, first.endpoint.port);
  }
  return std::make_unique<ModbusDriver>(kNames[static_cast<std::size_t>(first.way)] + first.group(),
                                        std::move(transport), line_options(first.way, first.line), std::move(units),
                                        context.executor, context.clock);
}

}  // namespace

const DriverType kModbusTcp{.name = "modbus-tcp", .read = &read<Way::tcp>, .make = &make};
const DriverType kModbusRtu{.name = "modbus-rtu", .shared = &kLines, .read = &read<Way::rtu>, .make = &make};
const DriverType kModbusRtuTcp{.name = "modbus-rtu-tcp", .read = &read<Way::rtu_over_tcp>, .make = &make};

}  // namespace carbongate::modbus_driver

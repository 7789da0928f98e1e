// A Modbus device as configured. sample.yaml shows every key.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/reader/reader.h"
#include "drivers/api/device_plan.h"
#include "drivers/modbus/session_fsm.h"
#include "drivers/registry.h"
#include "drivers/shared_section.h"
#include "protocols/modbus/serial_transport.h"

namespace carbongate::modbus_driver {

struct Endpoint {
  std::string host;  // IPv6 without brackets
  std::uint16_t port = 502;

  std::string to_string() const;  // "10.0.0.5:502", "[fd00::5]:502"
};

// "host", "host:port", "[IPv6]", "[IPv6]:port". nullopt: none of these.
std::optional<Endpoint> parse_endpoint(std::string_view text);

// How frames travel.
enum class Way : std::uint8_t { tcp, rtu, rtu_over_tcp };

struct Line final : SharedEntry {
  modbus::SerialLine settings;
};

extern const SharedSection kLines;

class ModbusPlan final : public DevicePlan {
 public:
  ModbusPlan(std::string id, Way plan_way) : DevicePlan(std::move(id)), way(plan_way) {}

  std::string group() const override { return way == Way::rtu ? line.port : endpoint.to_string(); }

  Origin origin(std::size_t point, double value) const override;

  Way way;
  Endpoint endpoint;        // tcp, rtu_over_tcp
  modbus::SerialLine line;  // rtu
  PolledDevice device;      // device.fields[i] is points()[i]
};

// Reads an element of `devices` and its profile; what is shared are the entries of kLines, for Way::rtu. Does not
// finish the reader: the application reads keys of its own.
std::unique_ptr<ModbusPlan> read_plan(config::Reader& in, const PlanContext& context, Way way);

}  // namespace carbongate::modbus_driver

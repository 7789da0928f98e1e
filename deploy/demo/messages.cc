#include "deploy/demo/messages.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace carbongate::demo {

using std::chrono::floor;
using std::chrono::seconds;

std::string tasmota_sensor(const ElectricMeter& meter, WallTime now) {
  const std::tm local = fmt::localtime(std::chrono::system_clock::to_time_t(now));
  return fmt::format(
      R"({{"Time":"{:%Y-%m-%dT%H:%M:%S}","ENERGY":{{"TotalStartTime":"2025-01-01T00:00:00","Total":{:.3f},)"
      R"("Power":{:.0f},"ApparentPower":{:.0f},"ReactivePower":{:.0f},"Factor":{:.2f},"Voltage":{:.0f},"Current":{:.3f}}}}})",
      local, meter.import_kwh(), meter.active_kw() * 1000.0, meter.apparent_kva() * 1000.0,
      meter.reactive_kvar() * 1000.0, meter.power_factor(), meter.voltage(0), 3.0 * meter.current(0));
}

std::string flat_meter(const ElectricMeter& meter, WallTime now) {
  return fmt::format(R"({{"ts":{},"power_kw":{:.3f},"energy_kwh":{:.4f},"power_factor":{:.3f}}})",
                     now.time_since_epoch().count(), meter.active_kw(), meter.import_kwh(), meter.power_factor());
}

std::string two_way_meter(const ElectricMeter& meter, WallTime now) {
  return fmt::format(R"({{"time":{:.3f},"power_w":{:.1f},"import_kwh":{:.4f},"export_kwh":{:.4f}}})",
                     std::chrono::duration<double>(now.time_since_epoch()).count(), meter.active_kw() * 1000.0,
                     meter.import_kwh(), meter.export_kwh());
}

std::string gas_meter(const GasMeter& meter, WallTime now) {
  const auto second = floor<seconds>(now);
  return fmt::format(R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z","flow_nm3h":{:.3f},"volume_nm3":{:.5f}}})",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(second)), (now - second).count(),
                     meter.flow_nm3_per_h(), meter.volume_nm3());
}

}  // namespace carbongate::demo

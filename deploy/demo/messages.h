// What the park's MQTT meters say: one in Tasmota's way, the others in flat JSON with the three ways to state a time.
#pragma once

#include <chrono>
#include <string>

#include "deploy/demo/meter.h"

namespace carbongate::demo {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// {"Time":"2026-11-21T05:40:12","ENERGY":{"Total":196.708,...,"Power":2629,...}}: kWh, W; local time without offset,
// which is why a reader had better take the time of arrival.
std::string tasmota_sensor(const ElectricMeter& meter, WallTime now);

// {"ts":1795239612345,"power_kw":..,"energy_kwh":..,"power_factor":..}: epoch milliseconds.
std::string flat_meter(const ElectricMeter& meter, WallTime now);

// {"time":1795239612.345,"power_w":..,"import_kwh":..,"export_kwh":..}: epoch seconds; power negative while feeding in.
std::string two_way_meter(const ElectricMeter& meter, WallTime now);

// {"time":"2026-11-21T05:40:12.345Z","flow_nm3h":..,"volume_nm3":..}: ISO 8601.
std::string gas_meter(const GasMeter& meter, WallTime now);

}  // namespace carbongate::demo

// The section `derived`: points that are computed from other points.
#pragma once

#include <set>
#include <string>

#include "config/reader/reader.h"
#include "gateway/model/site.h"

namespace carbongate::app {

//   derived:
//     - {id: stack-1, type: cems-co2, concentration: cems-1.co2, basis: dry, velocity: cems-1.velocity, area: 12 m2,
//        temperature: cems-1.temperature, static_pressure: cems-1.pressure, barometric: 95.8 kPa, moisture: 8.2 %}
//       # or concentration: cems-1.co2 in mg/m3, g/m3 or kg/m3 at 0 °C and 101.325 kPa, as HJ 212 has it: without molar
//     - {id: boiler-gas, type: gas-at-reference, volume: gas-meter.total, temperature: gas-meter.temperature,
//        gauge_pressure: gas-meter.pressure, barometric: 95.8 kPa, compressibility: 0.998}
//     - {id: steam-line, type: steam-heat, mass: steam-meter.total, pressure: steam-meter.pressure,
//        temperature: steam-meter.temperature}
//     - {id: hot-water, type: hot-water-heat, mass: water-meter.total, temperature: water-meter.supply}
//     - {id: tank, type: mass-from-volume, volume: diesel-meter.total, density: 0.84 kg/L}
//     - {id: net, type: sum, terms: [{from: incomer.energy}, {from: press-shop.energy, weight: -1}]}
//
// An input is DEVICE.POINT or a number with its unit. The results are the points stack-1.co2 (kg/h), boiler-gas.volume
// (Nm3), steam-line.heat (GJ), tank.mass (kg), net.value (the unit of its first term, or `unit`); where the first input
// is a flow, the rates Nm3/h, kW, kg/h. Each takes the limits of any point (min, max, power_max, stale_after, gap_max)
// and `max_age` (5min): how far its other inputs may be from the first one in time; all but a sum `wait` (5s): how long
// a reading of the first one waits for those of the same time.
//
// Checked: inputs exist and measure what they stand for, a circle is named. Adds the results to site.points and
// site.derived; the ids of those with problems go to `doubtful_devices`, as of devices that could not be read.
void read_derived(config::Reader& root, model::Site& site, std::set<std::string>& doubtful_devices);

}  // namespace carbongate::app

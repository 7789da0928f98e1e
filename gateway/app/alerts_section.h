// The section `alerts`: rules, and announced work.
#pragma once

#include <set>
#include <string>

#include "config/reader/reader.h"
#include "gateway/model/site.h"

namespace carbongate::app {

//   alerts:
//     grace: 10s
//     rules:
//       - {id: overload, name: Transformer overload, name_zh: 变压器过载, severity: critical, points: [incomer.power],
//          above: 800, clear_above: 780, for: 5min}
//       - {id: voltage, points: ["*.voltage"], above: 253, below: 207}
//       - {id: surge, points: [stack.flow], change_per: 1min, above: 50}
//       - {id: silent, points: ["*"], silent_for: 10min, depends_on: [gateway-silent]}     # or devices: [...]
//       - {id: peak, users: [press-shop], carrier: electricity, of: power, above: 500}
//       - {id: quota, users: [press-shop], carrier: electricity, of: energy, period: month, quota: 120000, above: 90}
//       - {id: ahead, users: ["*"], of: co2e, period: year, quota: 500000, pace: true, above: 110, at_least: 10}
//       - {id: day, users: [press-shop], carrier: electricity, of: energy, window: 24h, above: 4000}
//       - {id: gaps, users: ["*"], of: coverage, period: day, below: 90}
//       - {id: intensity, users: [mill], carrier: electricity, of: energy, period: day,
//          per: {user: mill, carrier: product}, above: 0.55}
//       - {id: unusual, users: [press-shop], carrier: electricity, of: energy, deviates: 30, weeks: 4}
//     maintenance:
//       - {from: 2026-12-01T08:00, to: 2026-12-01T12:00, reason: 年检, devices: [incomer]}
//
// Fills site.alert_rules, watches, maintenance and alert_grace, with the gateway's own rule behind all others; points
// and accounts are there already. A point of a device in `doubtful_devices` may be missing for a problem that is
// reported; `users_are_complete`: of users none is.
void read_alerts(config::Reader& root, model::Site& site, const std::set<std::string>& doubtful_devices,
                 bool users_are_complete);

}  // namespace carbongate::app

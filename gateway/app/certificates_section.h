// The sections `certificates` and `contracts`: energy attribute certificates retired for this site's users, and what
// supply contracts delivered to them.
#pragma once

#include <vector>

#include "config/reader/reader.h"
#include "gateway/model/certificate.h"
#include "gateway/model/site.h"

namespace carbongate::app {

//   certificates:
//     - {serial: GEC-5107-000123, user: press-shop, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10,
//        plant: 广元风电场, technology: wind, owner: 广元经开区}
//   contracts:
//     - id: PPA-7
//       supplier: 川西绿电
//       users: [press-shop, paint-shop]       # who may use what it delivers; or one
//       factor: 0.05 kgCO2e/kWh               # as the supplier discloses it; 0 for power without emissions
//       uncertainty_percent: 5                # half-width of its 95 % interval; not stated without it
//       source: 2025 supply disclosure
//       deliveries:
//         - {period: 2026-03, volume: 120 MWh}
//         - {from: 2026-04-01, until: 2026-04-16, volume: 60 MWh}  # which is not in it
//
// `generated` and `period` are a year, a month or a day of the site's time zone. Checked: a serial or id counts once,
// its users purchase the carrier (electricity unless `carrier` says otherwise), the volume is an amount of it; a
// certificate was retired after its generation began; deliveries of one contract do not overlap. A serial or id holds
// none of ; ( ), for the books' notes. `site` has its accounts. Each delivery is one of the result.
std::vector<model::Certificate> read_certificates(config::Reader& root, const model::Site& site);

}  // namespace carbongate::app

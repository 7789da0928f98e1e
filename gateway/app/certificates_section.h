// The section `certificates`: energy attribute certificates retired for this site's users.
#pragma once

#include <vector>

#include "config/reader/reader.h"
#include "gateway/model/certificate.h"
#include "gateway/model/site.h"

namespace carbongate::app {

//   certificates:
//     - {serial: GEC-5107-000123, user: press-shop, volume: 1 MWh, generated: 2026-03, retired: 2026-04-10,
//        plant: 广元风电场, technology: wind, owner: 广元经开区}
//
// `generated` is a year, a month or a day of the site's time zone. Checked: a serial counts once, its user purchases
// the carrier (electricity unless `carrier` says otherwise), the volume is an amount of it, it was retired after its
// generation began. A serial holds none of ; ( ), for the books' notes. `site` has its accounts.
std::vector<model::Certificate> read_certificates(config::Reader& root, const model::Site& site);

}  // namespace carbongate::app

// The file of `carbongate restate --manual`: true amounts of stretches of time.
//
//   user,carrier,point,begin,end,amount,unit,note
//   press-shop,electricity,incomer.energy,2026-03-01,2026-04-01,12500.5,kWh,"invoice 4711, March"
//   user,carrier,point,begin,end,amount,unit,note,by,evidence
//   boiler,raw-coal,stock.coal,2026-03-01,2026-04-01,312.4,t,stock-taking,Li Wei,weighbridge slips 17 to 52
//
// Either header. Of a point of `driver: manual`, which nothing measures, the second one is needed, with both.
//
// CSV by RFC 4180, one line an entry; a field with a comma or a quotation mark stands in quotation marks. `begin` and
// `end` (excluded) as parse_time() reads them; whole quarter hours, closed, a year at most.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "config/reader/problem.h"
#include "gateway/app/gateway_config.h"
#include "gateway/app/manual.h"

namespace carbongate::cli {

// Every problem of every line is reported, with its place. nullopt: the file cannot be read. With errors the entries
// are good for nothing. `closed_until`: of a point, up to when its entries are there. `now`: of what nothing measures.
std::optional<std::vector<app::ManualEntry>> read_manual_file(
    const std::filesystem::path& file, const app::GatewayConfig& config,
    const std::function<std::optional<Instant>(PointId)>& closed_until, Instant now, config::Problems& problems);

}  // namespace carbongate::cli

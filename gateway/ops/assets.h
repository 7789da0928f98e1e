// The dashboard's files over HTTP.
#pragma once

#include <span>
#include <vector>

#include "gateway/ops/router.h"
#include "gateway/web/assets.h"

namespace carbongate::ops {

// GET / and each file, for everybody: there is nothing of the site in them. `assets` outlive the routes.
void add_asset_routes(std::vector<Route>& routes, std::span<const web::Asset> assets);

}  // namespace carbongate::ops

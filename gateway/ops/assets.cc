#include "gateway/ops/assets.h"

#include <string>

#include "gateway/ops/routes.h"
#include "protocols/wire/gzip.h"

namespace carbongate::ops {
namespace {

// Everything from here, nothing inline, no other host.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

io::HttpAnswer asset(const web::Asset& asset, const Request& request) {
  io::HttpAnswer answer;
  answer.headers = {{"ETag", std::string(asset.etag)},
                    {"Cache-Control", asset.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
                    {"Vary", "Accept-Encoding"},
                    {"Content-Security-Policy", std::string(kPolicy)}};
  if (request.call.header("If-None-Match").find(asset.etag) != std::string_view::npos) {
    answer.status = 304;
    return answer;
  }
  answer.headers.push_back({"Content-Type", std::string(asset.content_type)});
  if (io::accepts_gzip(request.call)) {
    answer.headers.push_back({"Content-Encoding", "gzip"});
    answer.body = std::string(asset.gzip);
  } else {
    answer.body = wire::gunzip(asset.gzip, asset.size);
  }
  return answer;
}

}  // namespace

void add_asset_routes(std::vector<Route>& routes, std::span<const web::Asset> assets) {
  for (const web::Asset& one : assets) {
    const Handler handler = at_once([&one](const Request& request) { return asset(one, request); });
    if (one.path == "/index.html") routes.push_back({"GET", "/", std::nullopt, {}, handler});
    routes.push_back({"GET", std::string(one.path), std::nullopt, {}, handler});
  }
}

}  // namespace carbongate::ops

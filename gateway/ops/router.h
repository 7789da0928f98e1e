// Which handler answers what: one table, by which openapi.yaml is held.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/ops/admission.h"
#include "gateway/ops/identity.h"
#include "gateway/ops/request.h"
#include "protocols/io/http_server.h"

namespace carbongate::ops {

using Handler = std::function<boost::asio::awaitable<io::HttpAnswer>(const Request&)>;

struct Route {
  std::string method;                   // GET answers HEAD too
  std::string path;                     // "/api/v1/devices/{id}"; a last segment "{*}" takes all that is left, decoded
  std::optional<Role> role;             // at least; nullopt: everybody may
  std::vector<std::string> query = {};  // keys that it knows; another one is a mistake worth telling
  Handler handler = {};
};

// On the loop thread.
class Router {
 public:
  // `admission` outlives it.
  Router(std::vector<Route> routes, Admission& admission) : routes_(std::move(routes)), admission_(admission) {}

  // Never throws but for cancellation. Every answer bears the headers that keep browsers from guessing.
  boost::asio::awaitable<io::HttpAnswer> answer(io::HttpCall call);

  // What is no request at all, as a problem with the same headers.
  static io::HttpAnswer refusal(int status, std::string_view why, bool secure);

  const std::vector<Route>& routes() const { return routes_; }

 private:
  boost::asio::awaitable<io::HttpAnswer> route(Request& request);

  std::vector<Route> routes_;
  Admission& admission_;
};

// 200 with application/json, or the type given.
io::HttpAnswer ok(std::string body, std::string_view type = "application/json");

// The same with an ETag of its content; 304 if that is what the client has.
io::HttpAnswer ok_tagged(const Request& request, std::string body, std::string_view type = "application/json");

}  // namespace carbongate::ops

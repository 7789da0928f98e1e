// What the daemon knows without asking its store: probes, and the resources of the present.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <set>
#include <string>
#include <string_view>

#include "gateway/ops/json.h"
#include "gateway/ops/metrics_text.h"
#include "gateway/ops/problem.h"
#include "gateway/ops/routes.h"

namespace carbongate::ops {

namespace json = boost::json;

namespace {

constexpr std::size_t kStreamPointsMax = 200;  // asked for by one client

io::HttpAnswer healthz(const Request&) {
  return ok("ok\n", "text/plain; charset=utf-8");
}

io::HttpAnswer readyz(const Context& context) {
  const auto why = not_ready(context.facts.state());
  std::string text = why.empty() ? "ready\n" : "";
  for (const std::string& reason : why) text += reason + "\n";
  io::HttpAnswer answer = ok(std::move(text), "text/plain; charset=utf-8");
  if (!why.empty()) answer.status = 503;
  return answer;
}

io::HttpAnswer metrics(const Context& context) {
  const State state = context.facts.state();
  return ok(metrics_text(context.facts, state, context.server(), context.live.totals(state)),
            "text/plain; version=0.0.4; charset=utf-8");
}

io::HttpAnswer sinks(const Context& context) {
  const State state = context.facts.state();
  json::array list;
  for (const ports::SinkStatus& sink : state.sinks) list.push_back(sink_json(state, sink, context.rates));
  return ok(to_text(json::object{{"at", model::format_utc(state.now)}, {"sinks", std::move(list)}}));
}

// "incomer.power,press-shop.energy"
std::set<PointId> points_of(const model::Site& site, std::string_view names) {
  std::set<PointId> points;
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(','), names.size());
    const std::string_view name = names.substr(0, end);
    const auto point = std::ranges::find_if(site.points, [&](const Point& one) { return one.full_name() == name; });
    if (point == site.points.end()) throw Refusal{400, fmt::format("points: there is no point '{}'", name)};
    points.insert(point->id);
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  if (points.size() > kStreamPointsMax) {
    throw Refusal{400, fmt::format("points: at most {} of them", kStreamPointsMax)};
  }
  return points;
}

io::HttpAnswer stream(const Context& context, const Request& request) {
  if (context.stream.clients() >= context.config.streams_max) {
    return problem(503, "too many clients of the stream; ask GET /now instead");
  }
  std::set<PointId> points = points_of(context.facts.site(), request.text("points"));
  std::string first = to_text(context.live.now(context.facts.state()));
  io::HttpAnswer answer;
  answer.headers = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  answer.source = context.stream.join(request.call.header("Last-Event-ID"), std::move(points), std::move(first));
  return answer;
}

}  // namespace

void add_probe_routes(std::vector<Route>& routes, const Context& context) {
  routes.push_back({"GET", "/healthz", std::nullopt, {}, at_once(healthz)});
  routes.push_back(
      {"GET", "/readyz", std::nullopt, {}, at_once([context](const Request&) { return readyz(context); })});
  routes.push_back(
      {"GET", "/metrics", Role::metrics, {}, at_once([context](const Request&) { return metrics(context); })});
}

void add_live_routes(std::vector<Route>& routes, const Context& context) {
  const auto add = [&](const char* path, std::function<io::HttpAnswer(const Request&)> answer,
                       std::vector<std::string> query = {}) {
    routes.push_back(
        {"GET", std::string("/api/v1") + path, Role::viewer, std::move(query), at_once(std::move(answer))});
  };
  add("/site", [context](const Request& request) { return ok_tagged(request, to_text(site_json(context.facts))); });
  add("/now", [context](const Request&) { return ok(to_text(context.live.now(context.facts.state()))); });
  add("/energy-users",
      [context](const Request&) { return ok(to_text(context.live.energy_users(context.facts.state()))); });
  add("/sinks", [context](const Request&) { return sinks(context); });
  add("/status", [context](const Request&) {
    return ok(to_text(status_json(context.facts, context.facts.state(), context.server())));
  });
  add("/stream", [context](const Request& request) { return stream(context, request); }, {"points"});
}

}  // namespace carbongate::ops

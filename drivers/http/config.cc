#include "drivers/http/config.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "config/reader/server_keys.h"
#include "config/reader/text.h"
#include "drivers/json/payload_config.h"

namespace carbongate::http_driver {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kHeadersMax = 32;
constexpr std::size_t kHeaderValueMax = 8'000;
constexpr std::string_view kExample = "https://grid.example/intensity?zone=CN-SC";

// A token of RFC 9110 section 5.6.2.
bool is_header_name(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

void check_header_name(config::Reader& in, std::string_view name) {
  if (!is_header_name(name)) {
    in.error("name", "'" + config::printable(name) + "' is not the name of a header");
    return;
  }
  if (is_same_name(name, "Authorization")) {
    in.error("name", "Authorization is made of `username` and `password_file`, or of `token_file`");
  }
  if (is_same_name(name, "Accept-Encoding")) in.error("name", "compressed answers are not read");
  for (const std::string_view ours :
       {"Host", "Connection", "Content-Length", "Transfer-Encoding", "If-None-Match", "If-Modified-Since"}) {
    if (is_same_name(name, ours)) in.error("name", std::string(ours) + " is set by the gateway itself");
  }
}

// Plain, or by `value_file` or `value_env`.
config::Secret read_header_value(config::Reader& in) {
  const auto plain = in.optional<std::string>("value");
  if (plain && (in.has("value_file") || in.has("value_env"))) {
    in.error("value", "is there beside `value_file` or `value_env`; one of them is enough");
  }
  const bool none = !in.has("value") && !in.has("value_file") && !in.has("value_env");
  if (none) in.missing("value", "a header needs a `value`, a `value_file` or a `value_env`");
  config::Secret value = plain ? config::Secret(*plain) : config::read_secret(in, "value");
  const auto is_visible = [](char c) { return c == ' ' || c == '\t' || (c > 0x20 && c < 0x7F); };
  const std::string& text = value.reveal();
  if (text.size() > kHeaderValueMax || !std::ranges::all_of(text, is_visible)) {
    in.error("value", "must be of at most " + std::to_string(kHeaderValueMax) + " visible ASCII characters");
  }
  return value;
}

void read_headers(config::Reader& device, HttpPlan& plan) {
  const auto& items = device.items("headers");
  if (items.size() > kHeadersMax) device.error("headers", "more than " + std::to_string(kHeadersMax) + " headers");
  for (const config::Node& item : items) {
    config::Reader in(item, device.problems());
    Header header;
    header.name = in.required<std::string>("name");
    if (!header.name.empty()) check_header_name(in, header.name);
    const auto is_there = [&](const Header& other) { return is_same_name(other.name, header.name); };
    if (std::ranges::any_of(plan.headers, is_there)) {
      in.error("name", "the header " + config::printable(header.name) + " is there twice");
    }
    header.value = read_header_value(in);
    in.finish();
    plan.headers.push_back(std::move(header));
  }
  const bool secret = std::ranges::any_of(items, [](const config::Node& item) {
    return item.find("value_file") != nullptr || item.find("value_env") != nullptr;
  });
  const io::HttpServer& server = plan.endpoint.server;
  if (secret && !server.tls && !server.host.empty() && !config::is_loopback(server.host)) {
    device.warning("url", "sends secret headers unencrypted; use https:// if the server can");
  }
}

void read_server(config::Reader& in, HttpPlan& plan) {
  plan.endpoint = http::read_endpoint(in, kExample, [](const boost::urls::url_view&) { return std::string(); });
  std::string& target = plan.endpoint.target;
  if (!target.starts_with('/')) target.insert(0, "/");
}

}  // namespace

bool is_same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::unique_ptr<HttpPlan> read_plan(config::Reader& in, const config::Node& root) {
  auto plan = std::make_unique<HttpPlan>(in.value_or("id", ""));
  read_server(in, *plan);
  read_headers(in, *plan);
  plan->interval = in.in_range<std::chrono::milliseconds>("interval", 1min, 1s, 24h);
  plan->timeout = in.in_range<std::chrono::milliseconds>("timeout", 10s, 100ms, 5min);
  plan->body_max = in.in_range<std::uint32_t>("body_max", 1024 * 1024, 64, 16 * 1024 * 1024);
  const Duration updates_every = in.in_range<std::chrono::milliseconds>("updates_every", plan->interval, 1s, 24h * 31);
  const json_payload::Expectations expected{
      .interval = std::max(updates_every, plan->interval),
      .why_amounts_need_a_time =
          "an interval needs the answer's own time: a server gives the same amount at every request until it has a new "
          "one, and without a time of its own each would count. Give the device a `timestamp`, or take the cumulative "
          "counter instead"};
  json_payload::Payload payload = json_payload::read_payload(in, root, expected);
  plan->map = std::move(payload.map);
  for (Point& point : payload.points) {
    point.device = plan->id();
    plan->points().push_back(std::move(point));
  }
  return plan;
}

Origin HttpPlan::origin(std::size_t point, double) const {
  return json_payload::origin(map, point, "GET " + endpoint.where);
}

}  // namespace carbongate::http_driver

#include "gateway/app/ops_section.h"

#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <chrono>
#include <string>

#include "config/reader/byte_size.h"
#include "config/reader/server_keys.h"
#include "config/reader/text.h"
#include "gateway/sinks/shared/host_port.h"

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 8080;

std::string required_file_name(config::Reader& in, std::string_view key) {
  return in.has(key) ? config::read_file_name(in, key) : in.required<std::string>(key);
}

void read_tls(config::Reader& parent, io::HttpListen& listen) {
  const config::Node* node = parent.child("tls");
  if (!node) return;
  config::Reader in(*node, parent.problems());
  listen.certificate_file = required_file_name(in, "certificate_file");
  listen.key_file = required_file_name(in, "key_file");
  in.finish();
}

void read_limits(config::Reader& parent, ops::Config& ops) {
  const config::Node* node = parent.child("limits");
  if (!node) return;
  config::Reader in(*node, parent.problems());
  io::HttpServerLimits& limits = ops.limits;
  limits.connections_max = in.in_range<std::size_t>("connections", limits.connections_max, 8, 10'000);
  limits.connections_of_address_max =
      in.in_range<std::size_t>("connections_per_address", limits.connections_of_address_max, 4, 10'000);
  ops.streams_max = in.in_range<std::size_t>("streams", ops.streams_max, 1, 5'000);
  in.finish();
}

void read_sessions(config::Reader& parent, access::SessionLimits& limits) {
  const config::Node* node = parent.child("sessions");
  if (!node) return;
  config::Reader in(*node, parent.problems());
  limits.idle = in.in_range<std::chrono::milliseconds>("idle", limits.idle, 1min, 24h * 365);
  limits.age = in.in_range<std::chrono::milliseconds>("life", limits.age, 1min, 24h * 365);
  limits.per_user = in.in_range<std::size_t>("per_user", limits.per_user, 1, 10'000);
  limits.all = in.in_range<std::size_t>("total", limits.all, 1, 10'000);
  if (limits.idle > limits.age) {
    in.error("idle", config::format_duration(limits.idle) + " is longer than a session lives, " +
                         config::format_duration(limits.age) + "; shorten it, or write a longer 'life'");
  }
  if (limits.per_user > limits.all) {
    in.error("per_user", std::to_string(limits.per_user) + " sessions of one user are more than all together, " +
                             std::to_string(limits.all) + "; lower it, or raise 'total'");
  }
  in.finish();
}

void read_login_tries(config::Reader& parent, access::LoginTries& tries) {
  const config::Node* node = parent.child("login_tries");
  if (!node) return;
  config::Reader in(*node, parent.problems());
  tries.per_address.tries = in.in_range<unsigned>("per_address", tries.per_address.tries, 1, 1'000);
  tries.per_user.tries = in.in_range<unsigned>("per_user", tries.per_user.tries, 1, 1'000);
  tries.per_address.each = tries.per_user.each =
      in.in_range<std::chrono::milliseconds>("another_after", tries.per_user.each, 1s, 1h);
  in.finish();
}

// As browsers write it in the header Origin (RFC 6454 section 6.2), which is what it is compared with: no path, small
// letters, no port that the scheme has anyway. "": it is not.
std::string origin_of(const std::string& text) {
  using boost::urls::scheme;
  const auto url = boost::urls::parse_uri(text);
  if (url.has_error() || (url->scheme_id() != scheme::https && url->scheme_id() != scheme::http)) return "";
  constexpr std::string_view kOfNames = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";
  const std::string host(url->encoded_host());
  if (host.empty() || host.find_first_not_of(kOfNames) != std::string::npos) return "";
  if (url->has_userinfo() || url->has_query() || url->has_fragment()) return "";
  if (!url->encoded_path().empty() && url->encoded_path() != "/") return "";
  std::string origin = std::string(url->scheme()) + "://" + host;
  for (char& c : origin) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const std::string_view usual = url->scheme_id() == scheme::https ? "443" : "80";
  if (url->has_port() && !url->port().empty() && url->port() != usual) origin += ":" + std::string(url->port());
  return origin;
}

void read_origins(config::Reader& in, std::vector<std::string>& origins) {
  for (const std::string& text : in.value_or("origins", std::vector<std::string>())) {
    origins.push_back(origin_of(text));
    if (origins.back().empty()) {
      in.error("origins", "'" + config::printable(text) +
                              "' is no origin; write the scheme, the name and perhaps the port by which browsers ask "
                              "for the dashboard, without a path: https://park.example");
    }
  }
}

}  // namespace

std::optional<ops::Config> read_ops(config::Reader& root) {
  const config::Node* node = root.child("ops");
  if (!node) return std::nullopt;
  config::Reader in(*node, root.problems());
  ops::Config ops;
  ops.listen.port = kPort;
  const std::string listen = in.value_or("listen", "127.0.0.1:8080");
  sinks::shared::HostPort where;
  boost::system::error_code not_an_address;
  bool is_loopback = true;
  if (!sinks::shared::read_host_port(listen, where)) {
    in.error("listen",
             "'" + config::printable(listen) + "' is no address with a port; write 127.0.0.1:8080 or [::1]:8080");
  } else {
    const auto address = boost::asio::ip::make_address(where.host, not_an_address);
    if (not_an_address) {
      in.error("listen", "'" + config::printable(where.host) +
                             "' is no address; write 127.0.0.1:8080 for this machine, 0.0.0.0:8443 for all networks");
    } else {
      is_loopback = address.is_loopback();
      ops.listen.address = where.host;
      ops.listen.port = where.port;
    }
  }
  ops.listen.behind_proxy = in.value_or("behind_proxy", false);
  ops.logins = in.value_or("logins", !is_loopback || ops.listen.behind_proxy);
  read_tls(in, ops.listen);
  read_limits(in, ops);
  read_sessions(in, ops.sessions);
  read_login_tries(in, ops.login_tries);
  read_origins(in, ops.origins);
  for (const char* key : {"sessions", "login_tries"}) {
    if (!ops.logins && in.has(key)) in.warning(key, "has no effect: logins are off; write 'logins: true'");
  }
  const bool has_tls = in.has("tls") || ops.listen.behind_proxy;
  if (!ops.logins && (!is_loopback || ops.listen.behind_proxy)) {
    in.error("logins",
             "logins can be off on a loopback address alone, and not behind a proxy; write 'logins: true', "
             "or 'listen: 127.0.0.1:8080'");
  }
  if (!is_loopback && !has_tls) {
    in.error("listen",
             "passwords would cross the network in the clear; write 'tls: {certificate_file: ..., key_file: "
             "...}', or 'behind_proxy: true' if a proxy speaks TLS in front, or listen on 127.0.0.1");
  }
  in.finish();
  return ops;
}

}  // namespace carbongate::app

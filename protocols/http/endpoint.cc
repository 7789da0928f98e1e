#include "protocols/http/endpoint.h"

#include <time.h>

#include <algorithm>
#include <boost/url/parse.hpp>
#include <charconv>
#include <cstdint>

#include "config/reader/server_keys.h"
#include "protocols/wire/base64.h"

namespace carbongate::http {
namespace {

namespace urls = boost::urls;

// What no URL may hold, and what to write instead; "" if it is fine.
std::string common_objection(const urls::url_view& url) {
  if (url.scheme() != "http" && url.scheme() != "https") return "must begin with http:// or https://";
  if (url.has_userinfo()) return "must not hold a user or password; use `username` and `password_file`";
  if (url.host_address().empty()) return "names no host";
  if (url.has_port() && url.port_number() == 0) return "has a port outside 1 to 65535";
  if (url.has_fragment()) return "must not have a fragment ('#')";
  return {};
}

void read_url(config::Reader& in, std::string_view example, std::string (*objection)(const urls::url_view& url),
              Endpoint& endpoint) {
  const auto text = in.required<std::string>("url");
  if (text.empty()) return;  // missing, or not a text: reported
  const auto parsed = urls::parse_uri(text);
  if (!parsed) {
    in.error("url", "is not a URL such as " + std::string(example));  // may hold a secret: not printed
    return;
  }
  const urls::url_view url = *parsed;
  std::string why = common_objection(url);
  if (why.empty()) why = objection(url);
  if (!why.empty()) {
    in.error("url", why);
    return;
  }
  endpoint.server.tls = url.scheme() == "https";
  endpoint.server.host = url.host_address();
  endpoint.server.port = url.has_port() ? url.port_number() : (endpoint.server.tls ? 443 : 80);
  endpoint.target = std::string(url.encoded_path());
  if (url.has_query()) endpoint.target += "?" + std::string(url.encoded_query());
  endpoint.host_and_port = std::string(url.encoded_host_and_port());
  endpoint.where = std::string(url.scheme()) + "://" + endpoint.host_and_port + std::string(url.encoded_path());
}

void read_credentials(config::Reader& in, Endpoint& endpoint) {
  endpoint.username = in.value_or("username", "");
  endpoint.password = config::read_secret(in, "password");
  endpoint.token = config::read_secret(in, "token");
  const bool wants_password = in.has("password_file") || in.has("password_env");
  const bool wants_token = in.has("token_file") || in.has("token_env");
  if (endpoint.username.empty() && wants_password) in.error("username", "is missing: there is a password");
  if (!endpoint.username.empty() && !wants_password) {
    in.error("username", "needs `password_file` or `password_env` beside it");
  }
  if (!endpoint.username.empty() && wants_token) in.error("username", "and a token exclude each other");
  if ((wants_password || wants_token) && !endpoint.server.tls && !endpoint.server.host.empty() &&
      !config::is_loopback(endpoint.server.host)) {
    in.warning("url", "sends the credentials unencrypted; use https:// if the server can");
  }
}

void read_ca_file(config::Reader& in, Endpoint& endpoint) {
  endpoint.server.ca_file = config::read_file_name(in, "ca_file");
  if (endpoint.server.ca_file.empty() || endpoint.server.host.empty() || endpoint.server.tls) return;
  in.error("ca_file", "is of use with an https:// url only");
}

}  // namespace

Endpoint read_endpoint(config::Reader& in, std::string_view example,
                       std::string (*objection)(const urls::url_view& url)) {
  Endpoint endpoint;
  read_url(in, example, objection, endpoint);
  read_credentials(in, endpoint);
  read_ca_file(in, endpoint);
  return endpoint;
}

std::string authorization(const Endpoint& endpoint, std::string_view token_scheme) {
  if (!endpoint.token.empty()) return std::string(token_scheme) + " " + endpoint.token.reveal();
  if (!endpoint.username.empty()) return "Basic " + wire::base64(endpoint.username + ":" + endpoint.password.reveal());
  return {};
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, io::WallTime now,
                                                           std::chrono::milliseconds max) {
  const auto limited = [max](std::chrono::milliseconds wait) {
    return std::clamp(wait, std::chrono::milliseconds(0), max);
  };
  std::uint64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc::result_out_of_range) return max;
  if (error == std::errc{} && end == text.data() + text.size()) {
    return limited(std::chrono::seconds(std::min<std::uint64_t>(seconds, 86'400)));
  }
  tm date{};
  const std::string terminated(text);
  if (::strptime(terminated.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date) == nullptr) return std::nullopt;
  return limited(io::WallTime(std::chrono::seconds(::timegm(&date))) - now);
}

}  // namespace carbongate::http

#include "gateway/sinks/line_protocol/config.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <string_view>

#include "gateway/sinks/shared/server_keys.h"

namespace carbongate::sinks::line_protocol {
namespace {

namespace urls = boost::urls;
using namespace std::chrono_literals;

constexpr std::size_t kBatchRowsMax = 20'000;

// What a URL may not hold, and what to write instead; "" if it is fine.
std::string objection(const urls::url_view& url) {
  if (url.scheme() != "http" && url.scheme() != "https") return "must begin with http:// or https://";
  if (url.has_userinfo()) return "must not hold a user or password; use `username` and `password_file`";
  if (url.host_address().empty()) return "names no host";
  if (url.has_port() && url.port_number() == 0) return "has a port outside 1 to 65535";
  if (url.has_fragment()) return "must not have a fragment ('#')";
  if (url.encoded_path().empty() || url.encoded_path() == "/") {
    return "has no path; write the address that takes line protocol, such as /write?db=carbon (InfluxDB 1.x), "
           "/api/v2/write?org=park&bucket=carbon (InfluxDB 2.x) or /write (VictoriaMetrics)";
  }
  for (const auto& param : url.params()) {
    if (param.key == "precision" && param.value != "ms") return "must leave out `precision`: times are sent in ms";
    if (param.key == "u" || param.key == "p") {
      return "must not hold a user or password; use `username` and `password_file`";
    }
  }
  return {};
}

void read_url(config::Reader& in, Config& config) {
  const auto text = in.required<std::string>("url");
  if (text.empty()) return;  // missing, or not a text: reported
  const auto parsed = urls::parse_uri(text);
  if (!parsed) {
    in.error("url", "is not a URL such as http://127.0.0.1:8428/write");  // may hold a secret: not printed
    return;
  }
  const urls::url_view url = *parsed;
  if (const std::string why = objection(url); !why.empty()) {
    in.error("url", why);
    return;
  }
  config.server.tls = url.scheme() == "https";
  config.server.host = url.host_address();
  config.server.port = url.has_port() ? url.port_number() : (config.server.tls ? 443 : 80);
  config.target = std::string(url.encoded_path());
  if (url.has_query()) config.target += "?" + std::string(url.encoded_query());
  if (!url.params().contains("precision")) config.target += url.has_query() ? "&precision=ms" : "?precision=ms";
  const std::string authority = std::string(url.encoded_host_and_port());
  config.where = std::string(url.scheme()) + "://" + authority + std::string(url.encoded_path());
  config.name = authority;
}

void read_credentials(config::Reader& in, Config& config) {
  config.username = in.value_or("username", "");
  config.password = config::read_secret(in, "password");
  config.token = config::read_secret(in, "token");
  const bool wants_password = in.has("password_file") || in.has("password_env");
  const bool wants_token = in.has("token_file") || in.has("token_env");
  if (config.username.empty() && wants_password) in.error("username", "is missing: there is a password");
  if (!config.username.empty() && !wants_password) {
    in.error("username", "needs `password_file` or `password_env` beside it");
  }
  if (!config.username.empty() && wants_token) in.error("username", "and a token exclude each other");
  if ((wants_password || wants_token) && !config.server.tls && !config.server.host.empty() &&
      !shared::is_loopback(config.server.host)) {
    in.warning("url", "sends the credentials unencrypted; use https:// if the server can");
  }
}

void read_ca_file(config::Reader& in, Config& config) {
  config.server.ca_file = shared::read_file_name(in, "ca_file");
  if (config.server.ca_file.empty() || config.server.host.empty() || config.server.tls) return;
  in.error("ca_file", "is of use with an https:// url only");
}

}  // namespace

Config Config::from(config::Reader& in) {
  Config config;
  read_url(in, config);
  config.name = in.value_or("name", config.name);
  read_credentials(in, config);
  read_ca_file(in, config);
  config.gzip = in.value_or("gzip", true);
  config.batch_rows = in.in_range<std::size_t>("batch_rows", 1000, 1, kBatchRowsMax);
  config.timeout = in.in_range<std::chrono::milliseconds>("timeout", 10s, 100ms, 5min);
  config.rows = shared::read_row_kinds(in);
  return config;
}

}  // namespace carbongate::sinks::line_protocol

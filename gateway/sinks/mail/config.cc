#include "gateway/sinks/mail/config.h"

#include <chrono>

#include "config/reader/secret.h"
#include "config/reader/server_keys.h"
#include "config/reader/text.h"
#include "gateway/sinks/shared/host_port.h"

namespace carbongate::sinks::mail {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBatchRowsMax = 200;

void read_server(config::Reader& in, smtp::Server& server) {
  const std::string address = in.required<std::string>("server");
  shared::HostPort place;
  if (!address.empty() && !shared::read_host_port(address, place)) {
    in.error("server", "'" + config::printable(address) + "' is no host with a port, such as mail.park.example:465");
  }
  server.host = place.host;
  server.port = place.port;
  server.security = static_cast<smtp::Security>(in.one_of("security", {"tls", "starttls", "none"}, 0));
  server.ca_file = config::read_file_name(in, "ca_file");
  server.timeout = in.in_range<std::chrono::milliseconds>("timeout", server.timeout, 1s, 5min);
  server.username = in.value_or("username", "");
  server.password = config::read_secret(in, "password");
  const bool has_password = in.has("password_file") || in.has("password_env");
  if (server.username.empty() == has_password) {
    in.error("username", "and `password_file` (or `password_env`) go together");
  }
  const bool is_in_clear = server.security == smtp::Security::none;
  if (is_in_clear && !server.ca_file.empty()) in.error("ca_file", "is of no use with `security: none`");
  if (is_in_clear && !place.host.empty() && !config::is_loopback(place.host)) {
    if (has_password) {
      in.error("security", "is none: the password would go over the network in clear; use tls or starttls");
    } else {
      in.warning("security", "is none: mails go over the network in clear; use tls or starttls if the server can");
    }
  }
}

std::string read_mail_address(config::Reader& in, const char* key) {
  std::string address = in.required<std::string>(key);
  if (!address.empty() && !smtp::is_address(address)) {
    in.error(key, "'" + config::printable(address) + "' is no address; each address has a sink of its own");
  }
  return address;
}

}  // namespace

Config Config::from_keys(config::Reader& in, const config::Node& root) {
  Config config;
  read_server(in, config.server);
  config.from = read_mail_address(in, "from");
  config.to = read_mail_address(in, "to");
  config.name = in.value_or("name", config.to.c_str());
  if (config.name.empty() && !config.to.empty())
    in.error("name", "is empty; leave it out to name the sink by its address");
  config.notice = shared::NoticeConfig::from(in, root);
  config.batch_rows = in.in_range<std::size_t>("batch_rows", config.batch_rows, 1, kBatchRowsMax);
  return config;
}

}  // namespace carbongate::sinks::mail

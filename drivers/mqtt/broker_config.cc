#include "drivers/mqtt/broker_config.h"

#include <unistd.h>

#include <array>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "config/reader/reader.h"
#include "config/reader/secret.h"
#include "config/reader/server_keys.h"

namespace carbongate::mqtt_driver {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPlainPort = 1883;
constexpr std::uint16_t kTlsPort = 8883;

struct Scheme {
  std::string_view name;
  bool tls;
};
constexpr std::array kSchemes{Scheme{"mqtt", false}, Scheme{"tcp", false}, Scheme{"mqtts", true}, Scheme{"ssl", true}};

struct Address {
  mqtt::Server server;
  bool tls = false;
};

std::optional<Address> read_url(config::Reader& in, std::string_view key, const std::string& text) {
  const auto url = boost::urls::parse_uri(text);
  if (!url || url->host().empty()) {
    // Not quoted: it may hold a password.
    in.error(key, "this is not the URL of a broker; write mqtt://HOST:1883, or mqtts://HOST:8883 for TLS");
    return std::nullopt;
  }
  const std::string scheme(url->scheme());
  const Scheme* known = nullptr;
  std::vector<std::string> names;
  for (const Scheme& candidate : kSchemes) {
    if (candidate.name == scheme) known = &candidate;
    names.emplace_back(candidate.name);
  }
  if (known == nullptr) {
    in.error(key, "unknown scheme '" + scheme + "'" + config::suggestion(scheme, names));
    return std::nullopt;
  }
  if (url->has_userinfo())
    in.error(key, "a user belongs in `username`, a password in `password_file` or `password_env`");
  if (!url->encoded_path().empty() && url->encoded_path() != "/") in.error(key, "a broker's URL has no path");
  if (url->has_query() || url->has_fragment()) in.error(key, "a broker's URL ends with the port");
  Address address{.server = {.host = url->host_address(), .port = known->tls ? kTlsPort : kPlainPort},
                  .tls = known->tls};
  if (url->has_port() && !url->port().empty()) {
    const std::string digits(url->port());
    std::uint16_t& port = address.server.port;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || port == 0) in.error(key, "the port must be between 1 and 65535");
  }
  return address;
}

void read_servers(config::Reader& in, mqtt::SessionOptions& session) {
  const std::string text = in.required<std::string>("url");
  const std::vector<std::string> others = in.value_or("failover", std::vector<std::string>{});
  const auto first = text.empty() ? std::nullopt : read_url(in, "url", text);
  if (first) {
    session.tls = first->tls;
    session.host = first->server.host;
    session.port = first->server.port;
  }
  for (const std::string& other : others) {
    const auto address = read_url(in, "failover", other);
    if (!address) continue;
    if (first && address->tls != first->tls) {
      in.error("failover", "the servers of a cluster are all spoken to with TLS, or none of them is");
    }
    session.failover.push_back(address->server);
  }
}

void read_tls(config::Reader& in, mqtt::SessionOptions& session) {
  session.ca_file = config::read_file_name(in, "ca_file");
  session.cert_file = config::read_file_name(in, "cert_file");
  session.key_file = config::read_file_name(in, "key_file");
  session.verify = in.value_or("verify", true);
  if (session.cert_file.empty() != session.key_file.empty()) {
    in.missing(session.cert_file.empty() ? "key_file" : "cert_file", "cert_file and key_file belong together");
  }
  if (!session.tls && !session.host.empty()) {
    for (const char* key : {"ca_file", "cert_file", "key_file", "verify"}) {
      if (in.has(key)) in.error(key, "has no effect without TLS; write the url with mqtts://");
    }
  }
  if (session.tls && !session.verify)
    in.warning("verify", "anyone between here and the broker can read and change what is sent");
}

std::string default_client_id(const config::Node& root, const std::string& broker) {
  const config::Node* site = root.find("site");
  const config::Node* id = site == nullptr ? nullptr : site->find("id");
  if (id != nullptr && id->is_scalar()) return "carbongate-" + id->scalar() + "-" + broker;
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return "carbongate-" + std::string(host.data()) + "-" + broker;
}

}  // namespace

mqtt::SessionOptions read_broker(const config::Node& broker, const std::string& name, const config::Node& root,
                                 config::Problems& problems) {
  config::Reader in(broker, problems);
  mqtt::SessionOptions session;
  session.name = name;
  read_servers(in, session);
  session.username = in.value_or("username", "");
  session.password = config::read_secret(in, "password");
  if (session.username.empty() && !session.password.empty()) in.missing("username", "a password needs a username");
  read_tls(in, session);

  constexpr std::array kVersions{mqtt::Version::automatic, mqtt::Version::v5, mqtt::Version::v3_1_1};
  session.version = kVersions[in.one_of("version", {"auto", "5", "3.1.1"}, 0)];
  session.client_id = in.value_or("client_id", default_client_id(root, name));
  if (session.client_id.empty()) in.error("client_id", "must not be empty: the broker keeps our session under it");

  session.keep_alive =
      std::chrono::floor<std::chrono::seconds>(in.in_range<std::chrono::milliseconds>("keep_alive", 60s, 5s, 18h));
  session.session_expiry = std::chrono::floor<std::chrono::seconds>(
      in.in_range<std::chrono::milliseconds>("session_expiry", 7 * 24h, 0s, 365 * 24h));
  session.receive_maximum = in.in_range<std::uint16_t>("receive_maximum", 100, 1, 65535);
  session.payload_max = in.in_range<std::uint32_t>("payload_max", 256 * 1024, 64, 16 * 1024 * 1024);
  in.finish();
  return session;
}

const SharedSection kBrokers{
    .key = "brokers",
    .reference = "broker",
    .example = "{url: \"mqtt://10.0.0.2:1883\"}",
    .read = [](const config::Node& entry, const std::string& name, const config::Node& root,
               config::Problems& problems) -> std::unique_ptr<SharedEntry> {
      auto broker = std::make_unique<Broker>();
      broker->session = read_broker(entry, name, root, problems);
      return broker;
    },
};

}  // namespace carbongate::mqtt_driver

#include "protocols/mqtt/paho_session_options.h"

#include <mqtt/exception.h>
#include <mqtt/ssl_options.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace carbongate::mqtt {

namespace paho = ::mqtt;

namespace {

std::string_view connack_text(int code) {
  switch (code) {
    case 1: return "unacceptable protocol version";
    case 2: return "client id rejected";
    case 3: return "server unavailable";
    case 4: return "bad user name or password";
    case 5: return "not authorised";
    default: return "unknown reason";
  }
}

}  // namespace

std::mutex& client_lifetime() {
  static std::mutex mutex;
  return mutex;
}

std::string refusal_text(int code) {
  if (code >= kFirstFailure) return paho::exception::reason_code_str(code) + " (" + std::to_string(code) + ")";
  return std::string(connack_text(code)) + " (" + std::to_string(code) + ")";
}

std::string place_of(const SessionOptions& options) {
  return options.host + ":" + std::to_string(options.port);
}

std::string uri_of(const SessionOptions& options) {
  const bool is_ipv6 = options.host.find(':') != std::string::npos;
  return (options.tls ? "ssl://" : "tcp://") + (is_ipv6 ? "[" + options.host + "]" : options.host) + ":" +
         std::to_string(options.port);
}

Endpoint endpoint_of(const SessionOptions& options) {
  return {.host = options.host,
          .port = options.port,
          .tls = options.tls,
          .ca_file = options.ca_file,
          .cert_file = options.cert_file,
          .key_file = options.key_file,
          .verify = options.verify};
}

void turn_to_next_server(SessionOptions& options) {
  if (options.failover.empty()) return;
  Server tried{.host = std::move(options.host), .port = options.port};
  options.host = std::move(options.failover.front().host);
  options.port = options.failover.front().port;
  options.failover.erase(options.failover.begin());
  options.failover.push_back(std::move(tried));
}

void fill(paho::connect_options& connect, const SessionOptions& options, int version, std::chrono::seconds limit) {
  connect.set_mqtt_version(version);
  connect.set_keep_alive_interval(options.keep_alive);
  connect.set_connect_timeout(limit);
  connect.set_automatic_reconnect(false);
  if (version >= MQTTVERSION_5) {
    const auto expiry = options.clean_start ? 0 : options.session_expiry.count();
    connect.set_clean_start(options.clean_start);
    connect.set_properties({{paho::property::SESSION_EXPIRY_INTERVAL, static_cast<std::int32_t>(expiry)},
                            {paho::property::RECEIVE_MAXIMUM, options.receive_maximum}});
  } else {
    connect.set_clean_session(options.clean_start || options.session_expiry.count() == 0);
  }
  if (!options.username.empty()) connect.set_user_name(options.username);
  if (!options.password.empty()) connect.set_password(options.password.reveal());
  if (options.tls) {
    paho::ssl_options ssl;
    ssl.set_ssl_version(MQTT_SSL_VERSION_TLS_1_2);
    if (!options.ca_file.empty()) ssl.set_trust_store(options.ca_file.string());
    if (!options.cert_file.empty()) ssl.set_key_store(options.cert_file.string());
    if (!options.key_file.empty()) ssl.set_private_key(options.key_file.string());
    ssl.set_enable_server_cert_auth(options.verify);
    ssl.set_verify(options.verify);
    // No error handler: Paho C++ 1.2 hands Paho C the address of options that are gone by the time an error comes.
    connect.set_ssl(ssl);
  }
}

}  // namespace carbongate::mqtt

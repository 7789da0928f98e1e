#include "gateway/sinks/postgresql/config.h"

#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

#include "config/reader/server_keys.h"
#include "gateway/sinks/postgresql/migrations.h"

namespace carbongate::sinks::postgresql {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBatchRowsMax = 50'000;

struct Free {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

bool is_port(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= 65'535;
}

void add_default(Parameters& parameters, const char* key, std::string value) {
  if (value_of(parameters, key).empty()) parameters.emplace_back(key, std::move(value));
}

// What connection parameters may not be, and what to write instead; "" if they are fine.
std::string objection(const Parameters& parameters) {
  if (!value_of(parameters, "service").empty()) return "must not name a service: write out where it is";
  if (value_of(parameters, "host").empty() && value_of(parameters, "hostaddr").empty()) {
    return "names no host; a socket's directory is one too: host=/run/postgresql";
  }
  if (value_of(parameters, "dbname").empty()) return "names no database";
  for (const Host& host : hosts_of(parameters)) {
    if (host.name.empty() && host.address.empty()) return "names a host without a name";
    if (!is_port(host.port)) return "has a port outside 1 to 65535";
  }
  return {};
}

// Reads `url` or `conninfo`; libpq understands both. Its words about what it cannot parse are not printed: they may
// quote a password.
void read_where(config::Reader& in, Config& config) {
  const bool by_url = !in.has("conninfo");
  const char* key = by_url ? "url" : "conninfo";
  if (in.has("url") && in.has("conninfo")) in.error("conninfo", "and `url` exclude each other");
  const auto text = in.required<std::string>(key);
  if (!by_url) (void)in.value_or("url", "");
  if (text.empty()) return;  // missing, or not a text: reported
  const bool is_url = text.starts_with("postgresql://") || text.starts_with("postgres://");
  char* why = nullptr;
  const std::unique_ptr<PQconninfoOption, Free> options(by_url == is_url ? PQconninfoParse(text.c_str(), &why)
                                                                         : nullptr);
  if (why != nullptr) PQfreemem(why);
  if (!options) {
    in.error(key, by_url ? "is not a URL such as postgresql://gateway@db.park.example:5432/park?sslmode=verify-full"
                         : "is not a list such as host=db.park.example dbname=park user=gateway sslmode=verify-full");
    return;
  }
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr || *option->val == '\0') continue;
    if (*option->dispchar == '*') {  // as libpq marks what must not be shown
      in.error(key, "must not hold a password; use `password_file`");
      return;
    }
    config.parameters.emplace_back(option->keyword, option->val);
  }
  if (const std::string objects = objection(config.parameters); !objects.empty()) {
    in.error(key, objects);
    config.parameters.clear();
  }
}

void read_tls(config::Reader& in, Config& config, const char* url_key) {
  const std::string ca_file = config::read_file_name(in, "ca_file");
  const std::string cert_file = config::read_file_name(in, "cert_file");
  const std::string key_file = config::read_file_name(in, "key_file");
  if (cert_file.empty() != key_file.empty()) {
    in.error(cert_file.empty() ? "key_file" : "cert_file", "needs the other one of cert_file and key_file beside it");
  }
  if (config.parameters.empty()) return;
  if (!ca_file.empty()) {
    add_default(config.parameters, "sslrootcert", ca_file);
    add_default(config.parameters, "sslmode", "verify-full");
  }
  if (!cert_file.empty()) add_default(config.parameters, "sslcert", cert_file);
  if (!key_file.empty()) add_default(config.parameters, "sslkey", key_file);

  const auto leaves = [](const Host& host) {
    return !host.is_local() && !config::is_loopback(host.name.empty() ? host.address : host.name);
  };
  const std::string mode = value_of(config.parameters, "sslmode");
  if (std::ranges::none_of(hosts_of(config.parameters), leaves) || mode == "verify-full") return;
  in.warning(url_key, mode == "require" || mode == "verify-ca"
                          ? "does not check that the server is the one it is taken for; use sslmode=verify-full"
                          : "may send everything unencrypted; use sslmode=verify-full");
}

// How the connection behaves where the configuration does not say.
void add_defaults(Config& config) {
  if (config.parameters.empty()) return;
  Parameters& parameters = config.parameters;
  add_default(parameters, "application_name", "carbongate");
  add_default(parameters, "client_encoding", "UTF8");
  add_default(parameters, "gssencmode", "disable");  // would be asked for over the network, and waited for
  add_default(parameters, "keepalives_idle", "30");
  add_default(parameters, "keepalives_interval", "10");
  add_default(parameters, "keepalives_count", "3");
  add_default(parameters, "tcp_user_timeout", std::to_string(config.timeout.count()));
}

}  // namespace

Config Config::from(config::Reader& in) {
  Config config;
  const char* url_key = in.has("conninfo") ? "conninfo" : "url";
  read_where(in, config);
  if (!config.parameters.empty()) {
    const Host first = hosts_of(config.parameters).front();
    const std::string host = first.name.empty() ? first.address : first.name;
    const bool brackets = host.find(':') != std::string::npos;
    config.name = (brackets ? "[" + host + "]" : host) + ":" + first.port + "/" + value_of(config.parameters, "dbname");
    config.where = "postgresql://" + config.name;
  }
  config.name = in.value_or("name", config.name);
  config.password = config::read_secret(in, "password");
  config.schema = in.value_or("schema", config.schema.c_str());
  if (!is_schema_name(config.schema)) {
    in.error("schema", "must be of lower-case letters, digits and underscores, and not begin with a digit or pg_");
  }
  config.batch_rows = in.in_range<std::size_t>("batch_rows", config.batch_rows, 1, kBatchRowsMax);
  config.timeout = in.in_range<std::chrono::milliseconds>("timeout", config.timeout, 1s, 10min);
  read_tls(in, config, url_key);
  add_defaults(config);
  return config;
}

}  // namespace carbongate::sinks::postgresql

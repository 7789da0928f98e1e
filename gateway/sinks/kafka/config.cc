#include "gateway/sinks/kafka/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <vector>

#include "config/reader/server_keys.h"
#include "config/reader/text.h"
#include "gateway/sinks/shared/site_zone.h"

namespace carbongate::sinks::kafka {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBatchRowsMax = 20'000;
constexpr std::string_view kKind = "{kind}";
constexpr std::size_t kTopicMax = 240;  // of 249, with room for {kind}

// "host:9092" or "[::1]:9092"; the host, or "" if it is not one.
std::string host_of(std::string_view server) {
  const std::size_t colon = server.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return {};
  const std::string_view digits = server.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) return {};
  std::string_view host = server.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) return std::string(host.substr(1, host.size() - 2));
  return host.find_first_of("/:, ") == std::string_view::npos ? std::string(host) : std::string();
}

// The hosts.
std::vector<std::string> read_bootstrap(config::Reader& in, Config& config) {
  std::vector<std::string> hosts;
  for (const std::string& server : in.required<std::vector<std::string>>("bootstrap")) {
    hosts.push_back(host_of(server));
    if (hosts.back().empty()) {
      in.error("bootstrap", "'" + config::printable(server) + "' is not a server; write HOST:9092");
    }
    config.bootstrap += (config.bootstrap.empty() ? "" : ",") + server;
  }
  if (in.has("bootstrap") && hosts.empty()) in.error("bootstrap", "names no server; write [\"HOST:9092\"]");
  return hosts;
}

std::string problem_of_topic(std::string topic) {
  if (const std::size_t kind = topic.find(kKind); kind != std::string::npos) topic.erase(kind, kKind.size());
  const bool is_plain = std::ranges::all_of(topic, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  if (!is_plain) return "may hold letters, digits, '.', '_', '-', and {kind} once";
  if (topic.size() > kTopicMax) return "is longer than a topic may be";
  return {};
}

void read_login(config::Reader& in, Config& config, bool stays_here) {
  config.tls = in.value_or("tls", false);
  config.ca_file = config::read_file_name(in, "ca_file");
  if (!config.tls && in.has("ca_file")) in.error("ca_file", "has no effect without `tls: true`");
  config.username = in.value_or("username", "");
  config.password = config::read_secret(in, "password");
  const bool has_password = in.has("password_file") || in.has("password_env");
  if (config.username.empty() == has_password) {
    in.missing(config.username.empty() ? "username" : "password_file", "a login needs `username` and a password");
  }
  constexpr std::array<const char*, 3> kMechanisms{"SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"};
  config.mechanism = kMechanisms.at(in.one_of("mechanism", {"scram-sha-512", "scram-sha-256", "plain"}, 0));
  if (in.has("mechanism") && config.username.empty()) in.error("mechanism", "has no effect without a login");
  if (!config.tls && !config.username.empty() && !stays_here) {
    in.warning("username", "without `tls: true` anyone between here and the servers can read and change what is sent");
  }
}

}  // namespace

Config Config::from(config::Reader& in, const config::Node& root) {
  Config config;
  const std::vector<std::string> hosts = read_bootstrap(in, config);
  config.name = in.value_or("name", "kafka " + config.bootstrap.substr(0, config.bootstrap.find(',')));
  if (config.name.empty()) in.error("name", "is empty; leave it out to name the sink by its first server");
  config.topic = in.value_or("topic", config.topic);
  if (config.topic.empty()) {
    in.error("topic", "is empty");
  } else if (const std::string problem = problem_of_topic(config.topic); !problem.empty()) {
    in.error("topic", problem);
  }
  config.time_zone = shared::zone_of_site(root);
  read_login(in, config, std::ranges::all_of(hosts, &config::is_loopback));
  constexpr std::array<const char*, 5> kCodecs{"lz4", "none", "gzip", "snappy", "zstd"};
  config.compression = kCodecs.at(in.one_of("compression", {"lz4", "none", "gzip", "snappy", "zstd"}, 0));
  config.batch_rows = in.in_range<std::size_t>("batch_rows", config.batch_rows, 1, kBatchRowsMax);
  config.timeout = in.in_range<std::chrono::milliseconds>("timeout", config.timeout, 1s, 10min);
  return config;
}

std::string Config::topic_of(std::string_view kind) const {
  std::string text = topic;
  if (const std::size_t at = text.find(kKind); at != std::string::npos) text.replace(at, kKind.size(), kind);
  return text;
}

}  // namespace carbongate::sinks::kafka

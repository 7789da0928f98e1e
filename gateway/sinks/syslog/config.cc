#include "gateway/sinks/syslog/config.h"

#include <chrono>

#include "config/reader/server_keys.h"
#include "config/reader/text.h"
#include "gateway/sinks/shared/host_port.h"
#include "protocols/syslog/message.h"

namespace carbongate::sinks::syslog {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBatchRowsMax = 1'000;

std::string id_of_site(const config::Node& root) {
  const config::Node* site = root.find("site");
  const config::Node* id = site != nullptr ? site->find("id") : nullptr;
  return id != nullptr && id->is_scalar() ? id->scalar() : "";
}

}  // namespace

Config Config::from(config::Reader& in, const config::Node& root) {
  Config config;
  const std::string address = in.required<std::string>("server");
  shared::HostPort place;
  if (!address.empty() && !shared::read_host_port(address, place)) {
    in.error("server", "'" + config::printable(address) + "' is no host with a port, such as logs.park.example:6514");
  }
  config.server.host = place.host;
  config.server.port = place.port;
  config.server.tls = in.one_of("security", {"tls", "none"}, 0) == 0;
  config.server.ca_file = config::read_file_name(in, "ca_file");
  if (!config.server.tls && !config.server.ca_file.empty()) in.error("ca_file", "is of no use with `security: none`");
  config.server.timeout = in.in_range<std::chrono::milliseconds>("timeout", config.server.timeout, 100ms, 5min);
  config.name = in.value_or("name", "syslog " + address);
  if (config.name.empty()) in.error("name", "is empty; leave it out to name the sink by its server");
  const std::string facility = in.value_or("facility", "local0");
  config.facility = carbongate::syslog::facility_of(facility);
  if (config.facility == carbongate::syslog::kNoFacility) {
    in.error("facility", "'" + config::printable(facility) + "' is none of RFC 5424: daemon, local0 to local7, ...");
  }
  config.host = in.value_or("hostname", id_of_site(root).c_str());
  config.enterprise = in.in_range<std::uint32_t>("enterprise", 0, 0, UINT32_MAX);
  config.notice = shared::NoticeConfig::from(in, root);
  config.batch_rows = in.in_range<std::size_t>("batch_rows", config.batch_rows, 1, kBatchRowsMax);
  return config;
}

}  // namespace carbongate::sinks::syslog

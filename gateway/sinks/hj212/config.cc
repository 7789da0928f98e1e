#include "gateway/sinks/hj212/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "config/reader/secret.h"
#include "config/reader/text.h"
#include "gateway/sinks/hj212/station_clock.h"
#include "gateway/sinks/shared/host_port.h"
#include "gateway/sinks/shared/site_zone.h"
#include "protocols/hj212/codes.h"

namespace carbongate::sinks::hj212 {
namespace {

using namespace std::chrono_literals;
using config::printable;
namespace codec = carbongate::hj212;

constexpr std::size_t kNameMax = 27;  // of an MN

bool are_letters(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

bool read_address(std::string_view text, Config& config) {
  shared::HostPort server;
  const bool is_right = shared::read_host_port(text, server);
  config.host = server.host;
  config.port = server.port;
  config.where = text;
  return is_right;
}

void read_station(config::Reader& in, const config::Node& root, Config& config) {
  config.station = in.required<std::string>("station");
  if (config.station.empty()) return;
  const config::Node* stations = root.find("stations");
  std::vector<std::string> known;
  if (stations && stations->is_sequence()) {
    for (const config::Node& station : stations->items()) {
      const config::Node* id = station.is_map() ? station.find("id") : nullptr;
      if (!id || !id->is_scalar()) continue;
      known.push_back(id->scalar());
      if (id->scalar() != config.station) continue;
      const auto duration = [&](std::string_view key) -> std::optional<Duration> {
        const config::Node* node = station.find(key);
        return node && node->is_scalar() ? config::parse_duration(node->scalar()) : std::nullopt;
      };
      config.options.limits.real_time = duration("real_time").value_or(30s);
      const auto minute = std::chrono::duration_cast<std::chrono::minutes>(duration("minute").value_or(10min));
      config.settings.real_time_interval = std::chrono::ceil<std::chrono::seconds>(config.options.limits.real_time);
      config.settings.minute_interval = minute;
      config.options.limits.minute_intervals = {minute};
      return;
    }
  }
  in.error("station",
           "'" + printable(config.station) + "' is none of `stations`" + config::suggestion(config.station, known));
}

void read_identity(config::Reader& in, Config& config) {
  codec::RequestLimits& limits = config.options.limits;
  limits.mn = in.required<std::string>("mn");
  if (!limits.mn.empty() && (limits.mn.size() > kNameMax || !are_letters(limits.mn))) {
    in.error("mn", "'" + printable(limits.mn) + "' is no MN: up to 27 letters and digits, as the platform gave it");
  }
  limits.st = std::to_string(in.in_range<int>("system", 31, 10, 99));
  if (codec::find_system(limits.st) == nullptr || limits.st == "91") {
    in.error("system", limits.st + " is no system code for data: 31 is an air pollution source, 51 a flue-gas process");
  }
  limits.serial = in.value_or("serial", "");
  if (limits.serial.size() > 24 || !are_letters(limits.serial)) {
    in.error("serial", "has at most 24 letters and digits");
  }
  config.settings.password = config::read_secret(in, "password").reveal();
  const std::string& password = config.settings.password;
  if (!in.has("password_file") && !in.has("password_env")) {
    in.missing("password_file", "password_file or password_env is missing: the platform knows the station by it");
  } else if (!password.empty() && !codec::can_be_password(password)) {
    in.error("password_file", "a PW has at most 6 characters of ASCII, and no '&', ';', '=', ',' or \"//\"");
  }
}

void read_allow(config::Reader& in, Config& config) {
  std::vector<std::string>& allow = config.options.limits.allow;
  allow = in.value_or("allow", std::vector<std::string>());
  for (const std::string& command : allow) {
    if (std::ranges::find(codec::kSettable, command) != codec::kSettable.end()) continue;
    in.error("allow", fmt::format("'{}' sets nothing that a platform may set here: {}", printable(command),
                                  fmt::join(codec::kSettable, ", ")));
  }
}

}  // namespace

Config Config::from(config::Reader& in, const config::Node& root) {
  Config config;
  const std::string address = in.required<std::string>("address");
  if (!address.empty() && !read_address(address, config)) {
    in.error("address", "'" + printable(address) + "' is no host with a port, such as 10.1.2.3:9003");
  }
  config.name = in.value_or("name", "hj212 " + address);
  if (config.name.empty()) in.error("name", "is empty; leave it out to name the sink by its address");
  read_station(in, root, config);
  read_identity(in, config);
  read_allow(in, config);
  const bool is_2025 = in.one_of("edition", {"2017", "2025"}, 0) == 1;
  codec::ClientOptions& options = config.options;
  if (is_2025) options.limits.version = codec::Flag::kVersion2025;
  options.segment_max = in.in_range<std::uint32_t>("segment_max", codec::kSegmentBytesMax, codec::kSegmentBytesMax,
                                                   codec::kSegmentBytesEver);
  options.window = in.in_range<std::size_t>("window", options.window, 1, 64);
  if (options.window < kWindowWithPlace) options.beyond_window = 1;
  options.wants_receipts = in.value_or("receipts", true);
  options.asks_for_time = in.value_or("ask_for_time", false);
  if (options.asks_for_time && std::ranges::find(options.limits.allow, "1012") == options.limits.allow.end()) {
    in.warning("ask_for_time", "the platform answers by CN 1012, which is refused: put \"1012\" into `allow`");
  }
  const Duration heartbeat = in.in_range<Duration>("heartbeat", is_2025 ? Duration(60s) : Duration(0s), 0s, 1h);
  if (heartbeat != Duration::zero() && !is_2025) {
    in.error("heartbeat", "is of edition 2025; HJ 212-2017 has none");
  }
  options.heartbeat = std::chrono::duration_cast<std::chrono::seconds>(heartbeat);
  config.settings.timeout =
      std::chrono::duration_cast<std::chrono::seconds>(in.in_range<Duration>("timeout", 10s, 1s, 99s));
  config.settings.retries = in.in_range<std::uint32_t>("retries", config.settings.retries, 1, 99);
  const Duration interval = in.in_range<Duration>("real_time_interval", config.settings.real_time_interval, 1s, 1h);
  config.settings.real_time_interval = std::chrono::duration_cast<std::chrono::seconds>(interval);
  if (interval < options.limits.real_time) {
    in.error("real_time_interval", "the station makes no instants that often: its `real_time` is longer");
  }
  config.sends_alerts = in.value_or("alerts", false);
  config.reconnect_max = in.in_range<std::chrono::milliseconds>("reconnect_max", config.reconnect_max, 100ms, 5min);
  config.history_max = in.in_range<std::size_t>("history_max", config.history_max, 1, 1'000'000);
  config.time_zone = in.value_or("time_zone", shared::zone_of_site(root));
  if (!knows_zone(config.time_zone) && in.has("time_zone")) {
    in.error("time_zone",
             "unknown time zone '" + printable(config.time_zone) + "'; write an IANA name such as Asia/Shanghai");
  }
  return config;
}

}  // namespace carbongate::sinks::hj212

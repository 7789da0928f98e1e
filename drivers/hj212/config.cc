#include "drivers/hj212/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "config/reader/text.h"
#include "drivers/json/payload_config.h"
#include "drivers/json/timestamp.h"
#include "drivers/meter_history.h"
#include "drivers/point_kind.h"
#include "drivers/point_limits.h"
#include "protocols/hj212/frame.h"

namespace carbongate::hj212_driver {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kNameMax = 32;  // of an MN, or a factor's code
constexpr std::size_t kPasswordMax = 32;

bool is_code(std::string_view text) {
  return !text.empty() && text.size() <= kNameMax && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
           c == '.';
  });
}

// An address of this machine, not a name: what is listened at must not depend on who answers.
bool is_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[') != host.ends_with(']')) return false;
  const bool bracketed = host.starts_with('[');
  if (bracketed) host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  std::uint16_t port = 0;
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return !error && address.is_v6() == bracketed && wrong == std::errc() && end == digits.data() + digits.size() &&
         port != 0;
}

struct Period {
  std::string_view command;
  Duration length;
};

// Reads the elements of `points`, one by one.
class PointReader {
 public:
  PointReader(config::Reader& device, const config::Node& root, Duration minutes, Hj212Plan& plan)
      : device_(device), root_(root), minutes_(minutes), plan_(plan) {}

  void read(const config::Node& node) {
    config::Reader in(node, device_.problems());
    Point point;
    point.name = in.required<std::string>("name");
    if (!point.name.empty() && !names_.insert(point.name).second) {
      in.error("name", "the point '" + config::printable(point.name) + "' is there twice");
    }
    FactorMap map;
    map.factor = in.required<std::string>("factor");
    if (!map.factor.empty() && !is_code(map.factor)) {
      in.error("factor", "'" + config::printable(map.factor) + "' is no code such as a05001");
    }
    constexpr std::array<std::string_view, 9> kFields{"Rtd",   "Avg",   "Min",   "Max",  "Cou",
                                                      "ZsRtd", "ZsAvg", "ZsMin", "ZsMax"};
    map.field = kFields[in.one_of("field", {"Rtd", "Avg", "Min", "Max", "Cou", "ZsRtd", "ZsAvg", "ZsMin", "ZsMax"}, 0)];
    map.scale = in.value_or("scale", 1.0);
    if (!std::isfinite(map.scale) || map.scale == 0) in.error("scale", "expected a number other than 0");
    const Duration due = read_period(in, map);
    read_unit(in, point);
    if (map.field == "Cou") {
      point.kind = Kind::interval;
      if (in.has("kind")) in.error("kind", "Cou is the amount of its period: kind interval, which need not be said");
    } else {
      read_kind(in, point);
      if (point.kind == Kind::interval) in.error("kind", "an amount of a period is in the field Cou alone");
    }
    point.limits.interval = due;
    read_point_limits(in, point, std::abs(map.scale));
    read_meter_history(in, root_, point);
    in.finish();
    point.device = plan_.id();
    plan_.points().push_back(std::move(point));
    plan_.map.points.push_back(std::move(map));
  }

 private:
  // How often it is due.
  Duration read_period(config::Reader& in, FactorMap& map) {
    const bool real_time = map.field == "Rtd" || map.field == "ZsRtd";
    if (real_time) {
      map.command = "2011";
      if (in.has("period")) in.error("period", map.field + " is of real-time data, which have no period");
      in.value_or("period", "");
      return plan_.interval;
    }
    const std::array<Period, 3> periods{{{"2051", minutes_}, {"2061", 1h}, {"2031", 24h}}};
    const Period& period = periods[in.one_of("period", {"minute", "hour", "day"}, 1)];
    map.command = period.command;
    if (map.field == "Cou") map.length = period.length;
    return period.length;
  }

  config::Reader& device_;
  const config::Node& root_;
  Duration minutes_;
  Hj212Plan& plan_;
  std::set<std::string> names_;
};

const date::time_zone* read_zone(config::Reader& in, const config::Node& root) {
  const auto name = in.optional<std::string>("time_zone");
  if (!name) return json_payload::zone_of_site(root);
  const date::time_zone* zone = json_payload::find_zone(*name);
  if (zone == nullptr) {
    in.error("time_zone",
             "unknown time zone '" + config::printable(*name) + "'; write an IANA name such as Asia/Shanghai");
  }
  return zone;
}

}  // namespace

std::unique_ptr<Hj212Plan> read_plan(config::Reader& in, const config::Node& root) {
  auto plan = std::make_unique<Hj212Plan>(in.value_or("id", ""));
  plan->listen = in.required<std::string>("listen");
  if (!plan->listen.empty() && !is_listen_address(plan->listen)) {
    in.error("listen",
             "'" + config::printable(plan->listen) +
                 "' is no address of this machine with a port: write 0.0.0.0:9212, 127.0.0.1:9212 or [::]:9212");
  }
  plan->mn = in.required<std::string>("mn");
  if (!plan->mn.empty() && !is_code(plan->mn)) {
    in.error("mn", "'" + config::printable(plan->mn) + "' is no MN: up to 32 letters, digits, '-', '_' and '.'");
  }
  plan->password = config::read_secret(in, "password");
  const std::string& password = plan->password.reveal();
  const bool has_syntax = std::ranges::any_of(password, [](unsigned char c) {
    return c < 0x20 || c == 0x7F || std::string_view("&;=,").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (password.size() > kPasswordMax || has_syntax) {
    in.error("password_file", "a PW has at most 32 characters, and no '&', ';', '=', ',' or control character");
  }
  plan->interval = in.in_range<std::chrono::milliseconds>("interval", 30s, 1s, 24h);
  const auto minutes = in.in_range<std::chrono::milliseconds>("minute_interval", 10min, 1min, 30min);
  plan->segment_max = in.in_range<std::uint32_t>("segment_max", hj212::kSegmentBytesMax, hj212::kSegmentBytesMax,
                                                 hj212::kSegmentBytesEver);
  plan->connections_per_address = in.in_range<std::size_t>("connections_per_address", 0, 1, kConnectionsMax);
  plan->map.zone = read_zone(in, root);
  PointReader points(in, root, minutes, *plan);
  const auto& items = in.required_items("points");
  for (const config::Node& item : items) points.read(item);
  if (in.has("points") && items.empty()) in.error("points", "names no point; nothing would be read");
  return plan;
}

std::size_t address_connections_max(std::size_t devices) {
  return std::clamp<std::size_t>(2 * devices, 16, kConnectionsMax);
}

Origin Hj212Plan::origin(std::size_t point, double) const {
  const FactorMap& factor = map.points.at(point);
  Origin origin{
      .where = "MN " + mn + " at " + listen + ", CN " + factor.command + ", " + factor.factor + "-" + factor.field,
      .decoding = "decimal",
      .bytes = {}};
  if (factor.scale != 1.0) origin.decoding += fmt::format(" * {}", factor.scale);
  return origin;
}

}  // namespace carbongate::hj212_driver

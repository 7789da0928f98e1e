#include "drivers/modbus/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "config/reader/text.h"
#include "drivers/meter_history.h"
#include "drivers/modbus/profile.h"
#include "drivers/point_limits.h"

namespace carbongate::modbus_driver {
namespace {

using namespace std::chrono_literals;
using config::printable;
using std::chrono::milliseconds;

constexpr std::string_view kProfiles = "profiles";

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

bool is_host(std::string_view text, bool ipv6) {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [&](char c) {
    const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || c == '.' || (ipv6 ? c == ':' || c == '%' : c == '-' || c == '_');
  });
}

void read_endpoint(config::Reader& in, Endpoint& endpoint) {
  const auto text = in.required<std::string>("address");
  if (text.empty()) return;
  if (const auto parsed = parse_endpoint(text)) {
    endpoint = *parsed;
  } else {
    in.error("address",
             "'" + printable(text) + "' is no address: write host:port, such as 10.0.0.5:502 or [fd00::5]:502");
  }
}

modbus::SerialLine read_line_settings(config::Reader& in) {
  modbus::SerialLine line;
  line.port = in.required<std::string>("port");
  line.baud_rate = in.in_range<std::uint32_t>("baud_rate", line.baud_rate, 300, 4'000'000);
  using Parity = modbus::SerialLine::Parity;
  line.parity =
      static_cast<Parity>(in.one_of("parity", {"none", "even", "odd"}, static_cast<std::size_t>(line.parity)));
  line.data_bits = in.in_range<std::uint32_t>("data_bits", line.data_bits, 7, 8);
  line.stop_bits = in.in_range<std::uint32_t>("stop_bits", line.stop_bits, 1, 2);
  if (line.data_bits == 7)
    in.error("data_bits", "RTU needs 8 data bits; 7 are of Modbus ASCII, which is not spoken here");
  in.finish();
  return line;
}

// Two lines on one port would be two programs on one wire.
void refuse_shared_port(config::Reader& in, const config::Node& lines, std::string_view name, const std::string& port) {
  if (port.empty()) return;
  for (const config::Node::Member& other : lines.members()) {
    if (other.key >= name) continue;
    const config::Node* other_port = other.value->find("port");
    if (other_port && other_port->is_scalar() && other_port->scalar() == port) {
      in.error("port", "'" + printable(port) + "' is the port of line '" + printable(other.key) + "' already");
    }
  }
}

void read_line_reference(config::Reader& in, const SharedEntries& lines, modbus::SerialLine& line) {
  if (const auto* found = static_cast<const Line*>(lines.find(in))) line = found->settings;
}

std::uint8_t read_unit(config::Reader& in, Way way) {
  constexpr int kUnitMax = 247;
  constexpr int kNoUnit = 255;
  if (way != Way::tcp) {
    if (!in.has("unit")) in.required<std::uint8_t>("unit");
    return in.in_range<std::uint8_t>("unit", 1, 1, kUnitMax);
  }
  const int unit = in.value_or<int>("unit", 1);
  if ((unit >= 0 && unit <= kUnitMax) || unit == kNoUnit) return static_cast<std::uint8_t>(unit);
  in.error("unit", fmt::format("{} is no unit; allowed: 1 to 247, and 0 or 255 for the server itself", unit));
  return 1;
}

std::optional<Profile> find_profile(config::Reader& in, const config::DataFiles& data) {
  const auto name = in.required<std::string>("profile");
  if (name.empty()) return std::nullopt;
  const auto file = data.find(kProfiles, name);
  if (!file) {
    in.error("profile",
             "there is no profile '" + printable(name) + "'" + config::suggestion(name, data.names(kProfiles)));
    return std::nullopt;
  }
  const config::Node node = config::parse_text(file->text, file->where, in.problems());
  config::Reader profile(node, in.problems());
  return read_profile(profile);
}

// The registers named by `points`, each with limits of its own over those of the profile; all, if there is no such key.
std::vector<ProfileRegister> choose_points(config::Reader& in, const config::Node& root,
                                           std::vector<ProfileRegister> all) {
  const config::Node* points = in.child("points");
  if (!points) return all;
  std::vector<std::string> names;
  for (const ProfileRegister& known : all) names.push_back(known.point.name);
  std::vector<ProfileRegister> chosen;
  std::set<std::string> seen;
  const auto choose = [&](const std::string& name, const config::Node& at) -> ProfileRegister* {
    const auto found = std::ranges::find(all, name, [](const ProfileRegister& r) { return r.point.name; });
    const std::string where = at.path() + ": ";
    if (found == all.end()) {
      // With a profile that cannot be read, nothing is known of its points.
      if (!all.empty()) {
        in.problems().error(at.place(),
                            where + "there is no point '" + printable(name) + "'" + config::suggestion(name, names));
      }
      return nullptr;
    }
    if (!seen.insert(name).second) {
      in.problems().error(at.place(), where + "'" + printable(name) + "' is there twice");
      return nullptr;
    }
    return &chosen.emplace_back(*found);
  };
  for (const config::Node& item : in.items("points")) {
    if (item.is_scalar()) {
      choose(item.scalar(), item);
      continue;
    }
    config::Reader element(item, in.problems());
    const auto name = element.required<std::string>("name");
    ProfileRegister* reg = name.empty() ? nullptr : choose(name, *element.child("name"));
    if (!reg) continue;
    read_point_limits(element, reg->point, reg->field.scale.of_one());
    read_meter_history(element, root, reg->point);
    element.finish();
  }
  if (points->is_sequence() && points->items().empty())
    in.error("points", "an empty list: leave it out to poll all points");
  return chosen;
}

void take_over(ModbusPlan& plan, std::vector<ProfileRegister> registers) {
  for (ProfileRegister& reg : registers) {
    reg.point.device = plan.id();
    reg.point.limits.interval = plan.device.interval;
    plan.points().push_back(std::move(reg.point));
    plan.device.fields.push_back(std::move(reg.field));
  }
}

}  // namespace

std::string Endpoint::to_string() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint endpoint;
  const bool ipv6 = text.starts_with('[');
  const auto end_of_host = ipv6 ? text.find(']') : std::min(text.find(':'), text.size());
  if (end_of_host == std::string_view::npos) return std::nullopt;
  endpoint.host = text.substr(ipv6 ? 1 : 0, end_of_host - (ipv6 ? 1 : 0));
  std::string_view rest = text.substr(end_of_host + (ipv6 ? 1 : 0));
  if (!is_host(endpoint.host, ipv6)) return std::nullopt;
  if (rest.empty()) return endpoint;
  if (!rest.starts_with(':')) return std::nullopt;
  const auto port = parse_port(rest.substr(1));
  if (!port) return std::nullopt;
  endpoint.port = *port;
  return endpoint;
}

const SharedSection kLines{
    .key = "lines",
    .reference = "line",
    .example = "{port: /dev/ttyS1, baud_rate: 9600, parity: even}",
    .read = [](const config::Node& entry, const std::string& name, const config::Node& root,
               config::Problems& problems) -> std::unique_ptr<SharedEntry> {
      config::Reader in(entry, problems);
      auto line = std::make_unique<Line>();
      line->settings = read_line_settings(in);
      refuse_shared_port(in, *root.find("lines"), name, line->settings.port);
      return line;
    },
};

std::unique_ptr<ModbusPlan> read_plan(config::Reader& in, const PlanContext& context, Way way) {
  auto plan = std::make_unique<ModbusPlan>(in.required<std::string>("id"), way);
  PolledDevice& device = plan->device;
  device.id = plan->id();
  way == Way::rtu ? read_line_reference(in, *context.shared, plan->line) : read_endpoint(in, plan->endpoint);
  device.unit = read_unit(in, way);
  device.interval = in.in_range<milliseconds>("interval", 10s, 100ms, 24h);
  device.timeout = in.in_range<milliseconds>("timeout", 1s, 10ms, 60s);

  std::vector<ProfileRegister> registers;
  if (in.has("registers")) {
    if (in.child("profile")) in.error("registers", "a device has either a profile or registers of its own");
    registers = read_registers(in, {}, &context.root);
  } else if (const auto profile = find_profile(in, context.data)) {
    registers = profile->registers;
    device.limits = profile->limits;
    device.pause = profile->pause;
  }
  device.limits = read_limits(in, device.limits);
  device.pause = in.in_range<milliseconds>("pause", device.pause, 0ms, 10s);
  take_over(*plan, choose_points(in, context.root, std::move(registers)));
  return plan;
}

namespace {

std::string why_no_bytes(const RegisterField& field, double value) {
  if (std::isnan(value)) return "no register was kept with it";
  if (field.length() == 4 && is_integer(field.type) && std::abs(field.scale.invert(value)) >= 0x1p53L) {
    return "several registers of 64 bits are this value";
  }
  return "no register of this type and scale is exactly this value: it came in another way, or under another "
         "configuration";
}

}  // namespace

Origin ModbusPlan::origin(std::size_t point, double value) const {
  static constexpr std::string_view kKinds[] = {"coil", "discrete input", "holding register", "input register"};
  const RegisterField& field = device.fields.at(point);
  const auto kind = kKinds[static_cast<std::size_t>(field.function) - 1];
  const std::string span = field.length() == 1 ? fmt::format("{} {}", kind, field.address)
                                               : fmt::format("{}s {}-{}", kind, field.address, field.end() - 1);
  Origin origin{.where = fmt::format("unit {} of {}, {} (0x{:04x})", device.unit, group(), span, field.address),
                .decoding = std::string(kRegisterTypeNames[static_cast<std::size_t>(field.type)]),
                .bytes = {}};
  if (field.length() > 1) origin.decoding += fmt::format(", bytes {}", to_string(field.order));
  if (const std::string scale = field.scale.to_string(); !scale.empty()) origin.decoding += ", " + scale;
  if (const auto bytes = encode_value(field, value)) {
    origin.bytes.emplace();
    for (const std::byte byte : *bytes) {
      *origin.bytes += fmt::format("{}{:02x}", origin.bytes->empty() ? "" : " ", std::to_integer<unsigned>(byte));
    }
  } else if (field.type != RegisterType::bit) {
    origin.bytes_missing = why_no_bytes(field, value);
  }
  return origin;
}

}  // namespace carbongate::modbus_driver

#include "gateway/app/gateway_config.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "config/reader/byte_size.h"
#include "config/reader/data_files.h"
#include "config/reader/node.h"
#include "config/reader/reader.h"
#include "config/reader/text.h"
#include "gateway/app/alerts_section.h"
#include "gateway/app/certificates_section.h"
#include "gateway/app/derived_section.h"
#include "gateway/app/energy_users.h"
#include "gateway/app/live_factors_section.h"
#include "gateway/app/names.h"
#include "gateway/app/ops_section.h"
#include "gateway/app/site_section.h"
#include "gateway/app/stations_section.h"
#include "gateway/app/store_section.h"
#include "protocols/io/system_clock.h"

namespace carbongate::app {
namespace {

constexpr std::uint64_t kMemoryMin = 64ull << 20;  // the smallest site takes 40 MiB
constexpr std::uint64_t kMemoryMost = 64ull << 30;
constexpr std::size_t kPointsMax = 100'000;  // per site; the inbox and the live view are sized for it

template <class Type>
const Type* find_type(std::span<const Type> types, config::Reader& in, std::string_view key) {
  const std::string name = in.required<std::string>(key);
  std::vector<std::string> known;
  for (const Type& type : types) {
    if (type.name == name) return &type;
    known.emplace_back(type.name);
  }
  if (!name.empty()) {
    in.error(key,
             "unknown " + std::string(key) + " '" + config::printable(name) + "'" + config::suggestion(name, known));
  }
  return nullptr;
}

class Devices {
 public:
  Devices(config::Reader& root, const config::DataFiles& data) : root_(root), data_(data) {}

  void read(GatewayConfig& config) {
    read_shared();
    const auto& items = root_.required_items("devices");
    if (root_.has("devices") && root_.child("devices")->is_sequence() && items.empty()) {
      root_.missing("devices", "an empty list; there is nothing to measure");
    }
    for (const config::Node& item : items) read_device(item, config);
    const config::Node* sinks = root_.node().find("sinks");
    if (sinks && sinks->is_sequence()) {
      for (const config::Node& item : sinks->items()) note_references(item);
    }
    for (const Shared& shared : shared_) warn_of_unused(shared);
  }

  // Devices with problems of their own, whose points may be incomplete.
  const std::set<std::string>& doubtful() const { return doubtful_; }

 private:
  struct Shared {
    const SharedSection* section;
    SharedEntries entries;
    std::set<std::string> referred;  // names that devices and sinks refer to, whether or not they could be read
  };

  void read_shared() {
    for (const DriverType& type : driver_types()) {
      if (!type.shared || find_shared(type.shared)) continue;
      root_.child(type.shared->key);  // known, that is
      shared_.push_back({type.shared, {*type.shared, root_.node(), root_.problems()}, {}});
    }
  }

  const SharedEntries* find_shared(const SharedSection* section) const {
    const auto found = std::ranges::find(shared_, section, &Shared::section);
    return found == shared_.end() ? nullptr : &found->entries;
  }

  // Of a device or a sink. Not asked for: whether a driver knows the key is its business.
  void note_references(const config::Node& item) {
    for (Shared& shared : shared_) {
      const config::Node* reference = item.find(shared.section->reference);
      if (reference && reference->is_scalar()) shared.referred.insert(reference->scalar());
    }
  }

  void read_device(const config::Node& item, GatewayConfig& config) {
    config::Problems& problems = root_.problems();
    const std::size_t errors_before = problems.times_reported();
    config::Reader in(item, problems);
    const std::string id = read_id(in, "id");
    ids_.add(in, "id", id);
    note_references(item);
    std::set<std::string> members{id};
    if (const DriverType* type = find_type(driver_types(), in, "driver")) {
      auto plan = type->read(in, {root_.node(), data_, find_shared(type->shared)});
      in.finish();
      add_points(in, id, *plan, config.site);
      for (const Point& point : plan->points()) members.insert(point.device);
      for (const std::string& member : members) config.driver_of.emplace(member, type->name);
      config.devices.push_back({type, std::move(plan)});
    }
    if (may_lack_points(item, problems, errors_before)) doubtful_.merge(members);
  }

  // Whether one of the problems reported since then may be why the device lacks points. A problem of its address, say,
  // or of the broker it names, is not: a misspelt reference to one of its points is then reported too.
  static bool may_lack_points(const config::Node& item, const config::Problems& problems, std::size_t errors_before) {
    constexpr std::string_view kApartFromPoints[] = {".address:", ".line:",     ".broker:",  ".unit:", ".url:",
                                                     ".headers",  ".interval:", ".timeout:", ".qos:",  ": unknown key"};
    const std::size_t reported = problems.times_reported() - errors_before;
    const auto& all = problems.all();
    if (reported > all.size()) return true;
    return std::any_of(all.end() - static_cast<std::ptrdiff_t>(reported), all.end(),
                       [&](const config::Problem& problem) {
                         return std::ranges::none_of(kApartFromPoints, [&](std::string_view end_of_path) {
                           return problem.text.starts_with(item.path() + std::string(end_of_path));
                         });
                       });
  }

  // One element may stand for several devices (a topic with {device}): every point says whose it is.
  void add_points(config::Reader& in, const std::string& id, DevicePlan& plan, model::Site& site) {
    std::set<std::string> names;
    std::set<std::string> devices;
    for (Point& point : plan.points()) {
      if (point.device.empty()) point.device = id;
      point.id = static_cast<PointId>(site.points.size());
      if (devices.insert(point.device).second && point.device != id) add_member(in, point.device);
      if (!names.insert(point.full_name()).second) {
        in.error("id", "the point '" + config::printable(point.full_name()) + "' is there twice");
      }
      site.points.push_back(point);
    }
    if (site.points.size() > kPointsMax) in.error("id", "more than " + std::to_string(kPointsMax) + " points");
  }

  void add_member(config::Reader& in, const std::string& device) {
    const std::string_view key = in.has("devices") ? "devices" : "id";
    if (!is_id(device)) {
      in.error(key, "'" + config::printable(device) + "' is not an id: write 1 to 64 of a-z, 0-9, '_' and '-'");
    }
    ids_.add(in, key, device);
  }

  void warn_of_unused(const Shared& shared) {
    const config::Node* node = root_.child(shared.section->key);
    if (!node || !root_.node().is_complete()) return;
    for (const config::Node::Member& member : node->members()) {
      if (shared.referred.contains(member.key)) continue;
      root_.problems().warning(member.key_place, member.value->path() + ": no device refers to it");
    }
  }

  config::Reader& root_;
  const config::DataFiles& data_;
  UniqueIds ids_{"device"};
  std::set<std::string> doubtful_;
  std::vector<Shared> shared_;
};

// The sink whose receipts are waited for is one that has some, of the same rows, and waits for none itself. `items`: of
// the plans.
void check_escalations(config::Reader& root, const std::vector<const config::Node*>& items,
                       const GatewayConfig& config) {
  std::vector<std::string> names;
  for (const auto& plan : config.sinks) names.push_back(plan->name());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const sinks::Escalation* escalation = config.sinks.at(i)->escalation();
    if (!escalation || escalation->of.empty()) continue;
    config::Reader in(*items[i]->find("escalates"), root.problems());
    const auto other = std::ranges::find(config.sinks, escalation->of, [](const auto& plan) { return plan->name(); });
    if (other == config.sinks.end()) {
      in.error("of", "there is no sink '" + config::printable(escalation->of) + "'" +
                         config::suggestion(escalation->of, names));
    } else if (!(*other)->has_receipts()) {
      in.error("of", "that sink has no receipts to wait for");
    } else if (((*other)->row_kinds() & config.sinks[i]->row_kinds()).none()) {
      in.error("of", "that sink is offered nothing of what this one is: there is no receipt to wait for");
    } else if ((*other)->escalation() != nullptr) {
      in.error("of", "that sink waits for another one's receipts itself; name the first one");
    }
  }
}

auto alerts_there_can_be(const model::Site& site) {
  auto alerts = std::make_shared<std::map<std::string, model::Severity>>();
  for (const model::Watch& watch : site.watches) {
    model::Series of;
    of.site = site.id;
    of.rule = watch.rule;
    of.device = watch.device;
    of.point = watch.point;
    of.user = watch.user;
    if (watch.carrier) of.carrier = watch.carrier->id;
    alerts->emplace(sinks::alert_name(of), site.alert_rules.at(watch.rule_place).severity);
  }
  return alerts;
}

void read_sinks(config::Reader& root, GatewayConfig& config, bool is_complete) {
  sinks::SelectableNames selectable{.points = {}, .users = {}, .rules = {}, .complete = is_complete};
  for (const Point& point : config.site.points) selectable.points.push_back(point.full_name());
  for (const model::Account& account : config.site.accounts) selectable.users.push_back(account.user);
  for (const model::AlertRule& rule : config.site.alert_rules) selectable.rules.push_back(rule.id);
  selectable.alerts = alerts_there_can_be(config.site);
  std::set<std::string> names;
  std::vector<const config::Node*> items;
  for (const config::Node& item : root.items("sinks")) {
    config::Reader in(item, root.problems());
    const sinks::SinkType* type = find_type(sinks::sink_types(), in, "type");
    if (!type) continue;
    auto plan = sinks::read_sink(*type, in, root.node(), &selectable);
    in.finish();
    while (plan) {
      if (!names.insert(plan->name()).second) {
        in.error(in.has("name") ? "name" : "type",
                 "two sinks are named '" + config::printable(plan->name()) + "'; give each a 'name' of its own");
      }
      config.sinks.push_back(std::move(plan));
      items.push_back(&item);
      plan = config.sinks.back()->companion();
    }
  }
  check_escalations(root, items, config);
}

void read_corrections(config::Reader& root, GatewayConfig& config) {
  const config::Node* node = root.child("corrections");
  if (!node) return;
  config::Reader in(*node, root.problems());
  config.corrections_quiet =
      in.in_range<Duration>("quiet", config.corrections_quiet, std::chrono::milliseconds(100), std::chrono::hours(24));
  in.finish();
}

void read_memory(config::Reader& root, GatewayConfig& config) {
  const config::Node* node = root.child("memory");
  if (!node) return;
  config::Reader in(*node, root.problems());
  config.memory_max = config::read_byte_size(in, "max", config.memory_max, {kMemoryMin, kMemoryMost});
  in.finish();
}

// What nothing measures has no rate: the sum is of all others.
void leave_out_of_rates(GatewayConfig& config) {
  model::Site& site = config.site;
  for (model::Watch& watch : site.watches) {
    if (site.alert_rules.at(watch.rule_place).measure != model::Measure::rate) continue;
    std::erase_if(watch.accounts, [&](model::AccountId account) {
      return is_measured_by_nothing(config, site.accounts.at(model::index(account)).source);
    });
  }
}

}  // namespace

bool is_measured_by_nothing(const GatewayConfig& config, PointId point) {
  const std::string& device = config.site.points.at(index(point)).device;
  return std::ranges::any_of(config.devices, [&](const ConfiguredDevice& configured) {
    return configured.type && configured.type->name == "manual" && configured.plan->id() == device;
  });
}

GatewayConfig load_config(const std::filesystem::path& file, config::Problems& problems, Instant now) {
  GatewayConfig config;
  const config::Node root = config::parse_file(file, problems);
  if (root.is_null() && problems.has_errors()) return config;  // unreadable: every further problem would be a guess

  config::Reader in(root, problems);
  const config::DataFiles data(file.parent_path());
  data.warn_of_unread(problems);
  SiteSection section = read_site(in, data);
  config.site = section.site;
  config.electricity_coal_method = section.electricity_coal_method;
  Devices devices(in, data);
  devices.read(config);
  std::set<std::string> doubtful = devices.doubtful();
  read_derived(in, config.site, doubtful);
  section.site.points = config.site.points;
  config.factor_sources = section.factor_sources();
  config.factors = pipeline::FactorRegistry::load(data, config.factor_sources, config.site.time_zone, problems);
  config.site.live_factors = read_live_factors(root, problems, data, config.site.points, doubtful, config.factors);
  EnergyUsers users = read_energy_users(in, {section, config.factors, doubtful, now});
  config.site.accounts = std::move(users.accounts);
  config.site.comparisons = std::move(users.comparisons);
  config.site.containments = std::move(users.containments);
  config.site.stations = read_stations(in, config.site.points, doubtful);
  read_alerts(in, config.site, doubtful, !problems.has_errors());
  leave_out_of_rates(config);
  config.certificates = read_certificates(in, config.site);
  config.store = read_store(in);
  config.ops = read_ops(in);
  config.repairs = read_repairs(in, config.site.points, config.site.time_zone);
  read_corrections(in, config);
  read_memory(in, config);
  read_sinks(in, config, !problems.has_errors());
  in.finish();
  return config;
}

GatewayConfig load_config(const std::filesystem::path& file, config::Problems& problems) {
  return load_config(file, problems, io::SystemClock().now());
}

}  // namespace carbongate::app

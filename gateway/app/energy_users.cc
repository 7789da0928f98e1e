#include "gateway/app/energy_users.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "config/reader/text.h"
#include "gateway/app/names.h"

namespace carbongate::app {
namespace {

using config::printable;
using config::suggestion;

// Divisions of China for which no electricity factor is published; to "correct" them to a neighbour would be wrong.
constexpr std::array<std::string_view, 4> kRegionsWithoutFactor{"CN-XZ", "CN-HK", "CN-MO", "CN-TW"};

constexpr const char* kTakeTheGrid = "; take the grid it belongs to (CN-GRID-...) or the nation (CN)";

bool has_no_factor(std::string_view region) {
  return std::ranges::find(kRegionsWithoutFactor, region) != kRegionsWithoutFactor.end();
}

bool holds(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string describe(const Point& point) {
  static constexpr std::string_view kKinds[] = {"cumulative", "interval", "instantaneous"};
  return "'" + point.full_name() + "' (" + std::string(point.unit.symbol) + ", " +
         std::string(kKinds[static_cast<std::size_t>(point.kind)]) + ")";
}

// Why the point cannot be consumed as this carrier; "" if it can. A total or an amount must be of the carrier's
// dimension, what is instantaneous must be a rate of it.
std::string explain_misfit(const Point& point, const model::Carrier& carrier) {
  if (std::string mismatch = model::explain_mismatch(point.unit, carrier); !mismatch.empty()) {
    const bool by_rate = point.kind == Kind::instantaneous;
    std::vector<std::string> fitting;
    for (const Unit& unit : all_units()) {
      const bool is_rate = unit.dimension != carrier.dimension;
      if (is_rate == by_rate && model::ActivityScale::between(unit, carrier)) fitting.emplace_back(unit.symbol);
    }
    return mismatch + (fitting.empty() ? "" : "; units that fit: " + join(fitting));
  }
  const bool is_rate = point.unit.dimension != carrier.dimension;
  if (is_rate && point.kind != Kind::instantaneous) {
    return "a rate in " + std::string(point.unit.symbol) + " does not accumulate; its kind must be instantaneous";
  }
  if (!is_rate && point.kind == Kind::instantaneous) {
    return "an amount in " + std::string(point.unit.symbol) +
           " is a running total (kind: cumulative) or an amount since the reading before (kind: interval)";
  }
  return "";
}

class EnergyUsers {
 public:
  EnergyUsers(config::Reader& root, const EnergyUsersContext& context) : root_(root), context_(context) {
    for (const Point& point : context.section.site.points) {
      points_.emplace(point.full_name(), &point);
      devices_.insert(point.device);
    }
  }

  std::vector<model::Account> read() {
    check_site_region();
    for (const config::Node& user : root_.items("energy_users")) read_user(user);
    return std::move(accounts_);
  }

 private:
  void check_site_region() {
    const std::string& region = context_.section.site.grid_region;
    std::set<std::string> regions;
    for (const model::Factor& factor : context_.factors.all()) {
      if (!factor.region.empty()) regions.insert(factor.region);
    }
    const config::Node* site = root_.child("site");
    if (region.empty() || regions.empty() || regions.contains(region) || !site) return;
    region_is_known_ = false;
    config::Reader in(*site, root_.problems());
    in.error("grid_region", has_no_factor(region)
                                ? "there is no emission factor for '" + region + "'" + kTakeTheGrid
                                : "unknown region '" + printable(region) + "'" +
                                      suggestion(region, std::vector(regions.begin(), regions.end())));
  }

  void read_user(const config::Node& node) {
    config::Reader in(node, root_.problems());
    model::Account user;
    user.user = read_id(in, "id");
    ids_.add(in, "id", user.user);
    user.user_name = in.value_or("name", user.user);
    const auto& consumes = in.required_items("consumes");
    if (in.has("consumes") && in.child("consumes")->is_sequence() && consumes.empty())
      in.error("consumes", "an empty list");
    for (const config::Node& item : consumes) read_consumption(item, user);
    in.finish();
  }

  void read_consumption(const config::Node& node, model::Account account) {
    config::Reader in(node, root_.problems());
    const std::string carrier_id = in.required<std::string>("carrier");
    const auto from = in.required<std::string>("from");
    account.carrier = model::find_carrier(carrier_id);
    if (!account.carrier && !carrier_id.empty()) {
      std::vector<std::string> known;
      for (const model::Carrier& carrier : model::all_carriers()) known.emplace_back(carrier.id);
      in.error("carrier", "unknown carrier '" + printable(carrier_id) + "'" + suggestion(carrier_id, known));
    }
    const Point* point = from.empty() ? nullptr : find_point(in, from, account.carrier);
    if (point) note_consumer(in, *point, account.user);
    if (point && account.carrier && !is_doubtful(*point)) {
      if (const std::string misfit = explain_misfit(*point, *account.carrier); !misfit.empty()) {
        in.error("from", describe(*point) + " cannot be consumed as " + carrier_id + ": " + misfit);
      }
    }
    choose_factor(in, account);
    in.finish();
    if (!point || !account.carrier) return;
    account.source = point->id;
    account.id = static_cast<model::AccountId>(accounts_.size());
    accounts_.push_back(std::move(account));
  }

  // Its unit could not be read: nothing can be said about what it fits.
  bool is_doubtful(const Point& point) const {
    return point.unit == Unit{} && context_.doubtful_devices.contains(point.device);
  }

  const Point* find_point(config::Reader& in, const std::string& name, const model::Carrier* carrier) {
    if (const auto found = points_.find(name); found != points_.end()) return found->second;
    const std::string device = name.substr(0, name.find('.'));
    if (context_.doubtful_devices.contains(device)) return nullptr;
    std::vector<std::string> candidates;
    const bool device_is_known = devices_.contains(device);
    for (const auto& [full_name, point] : points_) {
      if (device_is_known && point->device != device) continue;
      if (carrier == nullptr || explain_misfit(*point, *carrier).empty()) candidates.push_back(full_name);
    }
    if (name == device && device_is_known) {
      in.error("from", "'" + printable(name) + "' is a device; name one of its points" +
                           (candidates.empty() ? "" : ", as DEVICE.POINT: " + join(candidates)));
    } else {
      in.error("from", "unknown point '" + printable(name) + "'" + suggestion(name, candidates));
    }
    return nullptr;
  }

  void note_consumer(config::Reader& in, const Point& point, const std::string& user) {
    const auto [first, is_new] = consumers_.try_emplace(&point, user);
    if (is_new) return;
    if (first->second == user) {
      in.error("from", "'" + point.full_name() + "' is consumed twice by '" + user + "': it would be counted twice");
    } else {
      in.warning("from", "'" + point.full_name() + "' is consumed by '" + first->second +
                             "' too: sums over users count it twice");
    }
  }

  void choose_factor(config::Reader& in, model::Account& account) {
    const auto set = in.optional<std::string>("factor_set");
    const auto region = in.optional<std::string>("region");
    const auto method = in.optional<std::string>("method");
    if (!account.carrier) return;
    model::FactorChoice& choice = account.factor.emplace();
    choice.region = region.value_or(context_.section.site.grid_region);
    const std::string_view carrier = account.carrier->id;
    if (!choose_set(in, carrier, choice, set)) return;
    const pipeline::FactorRegistry& factors = context_.factors;

    // A set without a series for the region serves it by its series without a region, if it has one.
    const auto regions = factors.regions(choice.set, carrier);
    const bool by_region = holds(regions, choice.region);
    if (!by_region && !holds(regions, "")) {
      if (region) {
        const std::string text =
            choice.set + " has no factor for " + std::string(carrier) + " in '" + printable(*region) + "'";
        in.error("region", text + (has_no_factor(*region) ? kTakeTheGrid : suggestion(*region, regions)));
      } else if (region_is_known_ && !choice.region.empty()) {
        in.error("carrier", choice.set + " has no factor for " + std::string(carrier) + " in " + choice.region +
                                "; set 'region' to one of: " + join(regions));
      }
      return;
    }
    const auto methods = factors.methods(choice.set, carrier, by_region ? choice.region : "");
    if (!choose_method(in, carrier, choice, method, methods)) return;
    if (!factors.is_live(choice, *account.carrier) &&
        !factors.find(choice.set, carrier, choice.region, choice.method, context_.now)) {
      in.warning("carrier",
                 "no emission factor applies at present: " +
                     factors.explain_missing(choice.set, carrier, choice.region, choice.method, context_.now) +
                     "; its emissions will be marked as missing");
    }
  }

  bool choose_set(config::Reader& in, std::string_view carrier, model::FactorChoice& choice,
                  const std::optional<std::string>& set) {
    const auto sets = context_.factors.sets();
    if (set) {
      choice.set = *set;
      if (holds(context_.section.factor_sets, *set) && !holds(sets, *set)) return false;  // not readable: said already
      if (!holds(sets, *set)) {
        in.error("factor_set", "'" + printable(*set) + "' is not among site.factors.sets" + suggestion(*set, sets));
        return false;
      }
      const auto carriers = context_.factors.carriers(*set);
      if (holds(carriers, carrier)) return true;
      in.error("factor_set", *set + " has no factor for " + std::string(carrier) + "; it has: " + join(carriers));
      return false;
    }
    bool all_sets_read = context_.section.factor_sets_complete;
    for (const std::string& candidate : context_.section.factor_sets) {
      all_sets_read = all_sets_read && holds(sets, candidate);
      if (!holds(context_.factors.carriers(candidate), carrier)) continue;
      choice.set = candidate;
      return true;
    }
    if (all_sets_read) {
      in.error("carrier", "no factor set in use has a factor for " + std::string(carrier) + " (in use: " +
                              join(context_.section.factor_sets) + "); add a set of your own to site.factors.sets");
    }
    return false;
  }

  bool choose_method(config::Reader& in, std::string_view carrier_id, model::FactorChoice& choice,
                     const std::optional<std::string>& method, const std::vector<std::string>& methods) {
    const std::string wanted = method.value_or(context_.section.factor_method);
    if (holds(methods, wanted)) {
      choice.method = wanted;
      return true;
    }
    if (!method && methods.size() == 1) {  // nothing to choose: fuels know one way of counting
      choice.method = methods.front();
      return true;
    }
    const std::string carrier(carrier_id);
    if (method) {
      in.error("method", choice.set + " has no factor for " + carrier + " by method '" + printable(wanted) + "'" +
                             suggestion(wanted, methods));
    } else {
      in.error("carrier",
               choice.set + " counts " + carrier + " in several ways; set 'method' to one of: " + join(methods));
    }
    return false;
  }

  config::Reader& root_;
  const EnergyUsersContext& context_;
  std::map<std::string, const Point*> points_;
  std::set<std::string> devices_;
  UniqueIds ids_{"energy user"};
  std::map<const Point*, std::string> consumers_;
  bool region_is_known_ = true;
  std::vector<model::Account> accounts_;
};

}  // namespace

std::vector<model::Account> read_energy_users(config::Reader& root, const EnergyUsersContext& context) {
  return EnergyUsers(root, context).read();
}

}  // namespace carbongate::app

#include "gateway/app/energy_users.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <tuple>

#include "config/reader/text.h"
#include "gateway/app/factor_choice.h"
#include "gateway/app/metering_section.h"
#include "gateway/app/names.h"
#include "gateway/app/part_of.h"
#include "gateway/pipeline/counter_judge.h"
#include "gateway/pipeline/energy.h"

namespace carbongate::app {
namespace {

using config::printable;
using config::suggestion;

// Points without a power_max or flow_max that are named one by one; of a large site that has none at all, that is
// enough to go by.
constexpr std::size_t kUnlimitedListedMax = 20;

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

constexpr std::pair<const char*, model::Flow> kLists[] = {{"consumes", model::Flow::consumed},
                                                          {"emits", model::Flow::emitted},
                                                          {"exports", model::Flow::exported},
                                                          {"produces", model::Flow::produced}};

model::Scope scope_of(const model::Carrier& carrier) {
  switch (carrier.category) {
    case model::Category::electricity:
    case model::Category::heat: return model::Scope::energy;
    case model::Category::working_medium:
    case model::Category::product: return model::Scope::none;
    case model::Category::fuel:
    case model::Category::gas:
    case model::Category::process_input: return model::Scope::direct;
  }
  return model::Scope::direct;
}

// Names of products that people write for a carrier; the nearest carrier by spelling would be another thing.
bool is_made(std::string_view name) {
  static constexpr std::string_view kProducts[] = {"aluminium", "aluminum", "beer",  "brick", "bricks", "cement",
                                                   "concrete",  "copper",   "glass", "paper", "steel",  "crude-steel"};
  return std::ranges::find(kProducts, name) != std::end(kProducts);
}

bool is_released(model::Flow flow) {
  return flow == model::Flow::emitted || flow == model::Flow::measured;
}

class UsersReader {
 public:
  UsersReader(config::Reader& root, const EnergyUsersContext& context) : root_(root), context_(context) {
    for (const Point& point : context.section.site.points) {
      points_.emplace(point.full_name(), &point);
      devices_.insert(point.device);
    }
  }

  EnergyUsers read() {
    check_site_region();
    chooser_.emplace(context_.section, context_.factors, region_is_known_, root_.node().is_complete(), context_.now);
    for (const config::Node& user : root_.items("energy_users")) read_user(user);
    if (unlimited_.size() > kUnlimitedListedMax) {
      root_.warning("energy_users", std::to_string(unlimited_.size() - kUnlimitedListedMax) +
                                        " more consumed points have no power_max or flow_max");
    }
    check_comparisons();
    std::vector<model::Comparison> comparisons;
    for (Measured& measured : measured_) comparisons.push_back(std::move(measured.comparison));
    auto containments =
        read_containments(root_, part_of_, {.accounts = accounts_, .users = users_, .doubtful = doubtful_users_});
    for (const Shared& shared : shared_) warn_of_use(shared, containments);
    return {.accounts = std::move(accounts_),
            .comparisons = std::move(comparisons),
            .containments = std::move(containments)};
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
    if (!context_.section.factor_sets_complete) return;
    config::Reader in(*site, root_.problems());
    const std::string why = explain_region_without_factor(region);
    in.error("grid_region", why.empty() ? "unknown region '" + printable(region) + "'" +
                                              suggestion(region, std::vector(regions.begin(), regions.end()))
                                        : "there is no emission factor for '" + region + "'" + why);
  }

  void read_user(const config::Node& node) {
    config::Reader in(node, root_.problems());
    model::Account user;
    user.user = read_id(in, "id");
    ids_.add(in, "id", user.user);
    user.user_name = in.value_or("name", user.user);
    users_.insert(user.user);
    if (const auto of = in.optional<std::string>("part_of")) part_of_.push_back({user.user, *of, &node});
    const auto measures = in.optional<std::vector<std::string>>("measures");
    if (measures) measured_.push_back({{user.user, *measures}, &node});
    bool has_a_list = false;
    for (const auto& [key, flow] : kLists) {
      if (!in.has(key)) continue;
      has_a_list = true;
      const auto& items = in.items(key);
      if (in.child(key)->is_sequence() && items.empty()) in.error(key, "an empty list");
      model::Account account = user;
      account.flow = measures && flow == model::Flow::emitted ? model::Flow::measured : flow;
      for (const config::Node& item : items) read_account(item, account);
    }
    if (!has_a_list) {
      in.error("consumes", "missing; a user has at least one list of: consumes, emits, exports, produces");
    }
    in.finish();
  }

  // The users it names are known when all are read.
  void check_comparisons() {
    for (const Measured& measured : measured_) {
      config::Reader in(*measured.node, root_.problems());
      if (!in.has("emits")) in.error("measures", "is for a user with `emits`: what is measured in its stack");
      std::vector<std::string> known;
      for (const model::Account& account : accounts_) {
        if (account.user != measured.comparison.measured_by) known.push_back(account.user);
      }
      for (const std::string& user : measured.comparison.calculated_of) {
        if (std::ranges::find(known, user) != known.end() || !root_.node().is_complete()) continue;
        in.error("measures", "unknown energy user '" + printable(user) + "'" + suggestion(user, known));
      }
      if (measured.comparison.calculated_of.empty()) in.error("measures", "an empty list");
    }
  }

  void read_account(const config::Node& node, model::Account account) {
    config::Reader in(node, root_.problems());
    const std::string carrier_id = in.required<std::string>("carrier");
    const auto from = in.required<std::string>("from");
    account.carrier = model::find_carrier(carrier_id);
    if (!account.carrier && !carrier_id.empty()) {
      std::vector<std::string> known;
      for (const model::Carrier& carrier : model::all_carriers()) known.emplace_back(carrier.id);
      in.error("carrier", "unknown carrier '" + printable(carrier_id) + "'" +
                              (is_made(carrier_id) ? "; what a site makes is the carrier 'product', in kg, or "
                                                     "'product-pieces'"
                                                   : suggestion(carrier_id, known)));
    }
    const Point* point = from.empty() ? nullptr : find_point(in, from, account.carrier);
    if (point) note_use(in, node, *point, account);
    if (point && account.carrier && !is_doubtful(*point)) {
      if (const std::string misfit = explain_misfit(*point, *account.carrier); !misfit.empty()) {
        in.error("from", describe(*point) + " cannot be counted as " + carrier_id + ": " + misfit);
      } else if (account.flow != model::Flow::produced) {
        warn_if_unlimited(in, *point, *account.carrier);
        warn_if_too_large(in, *point, *account.carrier);
      }
    }
    if (account.carrier) choose_factors(in, account);
    if (!account.carrier) skip_factor_keys(in);
    account.substitution = read_substitution(in, point, account);
    Metering metering = read_metering(in);
    account.activity_u95_ppm = metering.u95_ppm;
    account.meter = std::move(metering.meter);
    in.finish();
    if (!point || !account.carrier) {
      doubtful_users_.insert(account.user);
      return;
    }
    account.source = point->id;
    account.id = static_cast<model::AccountId>(accounts_.size());
    accounts_.push_back(std::move(account));
  }

  // What is produced on the site is no emission of its own: what it is made from is counted where it is burnt or
  // bought.
  void choose_factors(config::Reader& in, model::Account& account) {
    const model::Carrier& carrier = *account.carrier;
    account.scope = account.flow == model::Flow::produced ? model::Scope::none : scope_of(carrier);
    if (account.scope != model::Scope::direct) account.coal = chooser_->coal(in, carrier, std::nullopt);
    if (account.scope == model::Scope::none) return;
    if (account.scope == model::Scope::energy) {
      if (const auto own = read_own_supply(in)) {
        account.factor = *own;
        account.market = *own;
        if (!in.value_or("certificates_sold", false)) return;
        // Who sells the certificates sells the claim with them (GHG Protocol Scope 2 Guidance, chapter 6).
        choose_market(in, account, chooser_->emission(in, carrier));
        return;
      }
    }
    account.factor = chooser_->emission(in, carrier);
    if (account.scope == model::Scope::energy) {
      choose_market(in, account, account.factor);
    } else {
      account.measured_coal = chooser_->measured_coal(in, carrier, account.factor);
      account.coal = chooser_->coal(in, carrier, account.measured_coal);
    }
  }

  void choose_market(config::Reader& in, model::Account& account, const std::optional<model::FactorChoice>& location) {
    account.market_else = chooser_->market(in, *account.carrier, location);
    if (account.market_else.empty()) return;
    account.market = account.market_else.front();
    account.market_else.erase(account.market_else.begin());
  }

  // HJ 75 asks for substitutes of emissions measured in a stack. What is consumed has a meter that counts on, or a
  // bill; nothing is made up for it unless somebody asks for it.
  model::SubstitutionMethod read_substitution(config::Reader& in, const Point* point, const model::Account& account) {
    using model::SubstitutionMethod;
    const bool measured_in_a_stack = point && account.carrier && is_released(account.flow) &&
                                     account.carrier->id == "co2" && point->kind == Kind::instantaneous;
    const auto standard = measured_in_a_stack ? SubstitutionMethod::hj75 : SubstitutionMethod::none;
    const auto method = static_cast<SubstitutionMethod>(
        in.one_of("substitution", {"none", "hj75", "same-weekday"}, static_cast<std::size_t>(standard)));
    if (!in.has("substitution") || method == SubstitutionMethod::none || !account.carrier) return method;
    if (method == SubstitutionMethod::hj75 && !is_released(account.flow)) {
      in.warning("substitution", "hj75 is the rule for what a stack emits: as a substitute for what is " +
                                     std::string(to_string(account.flow)) + ", maxima overstate it");
    }
    for (const auto& choice : {account.factor, account.market}) {
      if (!choice || !context_.factors.is_live(*choice, *account.carrier)) continue;
      in.error("substitution", "its factors are heard from a point ('" + printable(choice->set) +
                                   "'): what was not measured then has none");
      break;
    }
    return method;
  }

  // `supply: own-renewable`: made on the site from wind, sun or water, and used there.
  std::optional<model::FactorChoice> read_own_supply(config::Reader& in) {
    if (in.one_of("supply", {"purchased", "own-renewable"}, 0) == 0) return std::nullopt;
    const model::FactorChoice own{.set = std::string(kOwnGeneration), .region = {}, .method = "renewable"};
    const auto sets = context_.factors.sets();
    if (std::ranges::find(sets, own.set) == sets.end()) {
      in.error("supply", "needs the factor set '" + own.set + "' in site.factors.sets");
    }
    return own;
  }

  // Without a carrier nothing can be chosen; what is asked for here is not unknown all the same.
  void skip_factor_keys(config::Reader& in) {
    for (const char* key : {"factor_set", "region", "method", "coal_method", "supply"}) in.optional<std::string>(key);
    in.child("market");
    in.child("certificates_sold");
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
    if (!device_is_known && !root_.node().is_complete()) return nullptr;  // of the file that could not be read, perhaps
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

  // A point that several users name.
  struct Shared {
    const config::Node* node;  // of the account
    const Point* point;
    const model::Carrier* carrier;
    model::Flow flow;
    std::string user;
    std::string first;  // that named it
  };

  void note_use(config::Reader& in, const config::Node& node, const Point& point, const model::Account& account) {
    const auto [first, is_new] = uses_.try_emplace({&point, account.flow}, account.user);
    if (!users_of_.emplace(&point, account.user).second) {
      in.error("from", "'" + point.full_name() + "' is used twice by '" + account.user +
                           "': it would be counted twice; what is both produced and consumed belongs to two users");
    } else if (!is_new) {
      shared_.push_back({&node, &point, account.carrier, account.flow, account.user, first->second});
    }
  }

  // Who is part of whom is known when all users are read.
  void warn_of_use(const Shared& shared, std::span<const model::Containment> containments) {
    const auto is_part = [&](std::string_view user, std::string_view of) {
      for (bool more = true; more && user != of;) {
        const auto container = std::ranges::find_if(containments, [&](const model::Containment& containment) {
          return containment.user == user && shared.carrier && containment.carrier == shared.carrier->id;
        });
        more = container != containments.end();
        if (more) user = container->of;
      }
      return user == of;
    };
    const std::string is_used = "'" + shared.point->full_name() + "' is " + std::string(to_string(shared.flow)) +
                                " by '" + shared.first + "' too";
    const bool consumed = shared.flow == model::Flow::consumed;
    const bool contains = consumed && is_part(shared.first, shared.user);
    config::Reader in(*shared.node, root_.problems());
    if (contains || (consumed && is_part(shared.user, shared.first))) {
      const auto& [part, whole] = contains ? std::tie(shared.first, shared.user) : std::tie(shared.user, shared.first);
      in.warning("from", is_used + ", and '" + part + "' is part of '" + whole +
                             "': the site counts it once, and nothing that it counts is unallocated");
    } else {
      in.warning("from", is_used + ": sums over users count it twice");
    }
  }

  // What its `max` rejects it does not show.
  void warn_if_too_large(config::Reader& in, const Point& point, const model::Carrier& carrier) {
    const auto scale = model::ActivityScale::between(point.unit, carrier);
    if (!scale || point.kind != Kind::cumulative || !too_large_.insert(&point).second) return;
    const pipeline::CounterJudge judge(point, *scale, {});
    const auto is_held = [&](double value) {
      const auto total = (*scale)(value);
      return total && judge.holds(*total);
    };
    if (point.limits.max && is_held(*point.limits.max)) return;
    const auto end = std::ranges::find_if_not(point.limits.rollover_at, is_held);
    if (end == point.limits.rollover_at.end()) return;
    const double most =
        static_cast<double>(judge.most().quanta()) / pipeline::quanta_per_unit(carrier.quantum, point.unit);
    in.warning("from", fmt::format("'{}' may show more than an account can count ({}): its register ends at {:.15g} "
                                   "{}, and readings above {:.13g} {} are rejected as out of range, so that nothing is "
                                   "counted until it is below again. If it can come there, have it set back before and "
                                   "give that as 'replaced'; if not, give its 'max'",
                                   point.full_name(), carrier.id, *end, point.unit.symbol, most, point.unit.symbol));
  }

  // The limits that apply instead are those of pipeline/connection.cc.
  void warn_if_unlimited(config::Reader& in, const Point& point, const model::Carrier& carrier) {
    struct Matter {
      Dimension dimension;
      std::string_view usual;
      std::string_view example;
    };
    static constexpr Matter kMatters[] = {{Dimension::energy, "10 MW", "power_max: 250 kW"},
                                          {Dimension::normal_volume, "10000 Nm3/h", "flow_max: 250 Nm3/h"},
                                          {Dimension::volume, "10000 m3/h", "flow_max: 250 m3/h"},
                                          {Dimension::mass, "100 t/h", "flow_max: 20 t/h"}};
    const auto* matter = std::ranges::find(kMatters, carrier.dimension, &Matter::dimension);
    if (matter == std::end(kMatters) || point.kind != Kind::cumulative || point.computed) return;
    const bool is_energy = carrier.dimension == Dimension::energy;
    const bool is_limited = is_energy ? point.limits.power_max_w.has_value() : point.limits.flow_max.has_value();
    if (is_limited || point.unit.dimension != carrier.dimension || context_.doubtful_devices.contains(point.device))
      return;
    if (!unlimited_.insert(&point).second || unlimited_.size() > kUnlimitedListedMax) return;
    in.warning("from", "'" + point.full_name() + "' has no " + (is_energy ? "power_max" : "flow_max") + ": up to " +
                           std::string(matter->usual) +
                           " a jump of its counter that stays is booked as consumption, and what is faster is doubted, "
                           "also where it is true; write what its connection can deliver where the device lists its "
                           "points, such as {name: " +
                           point.name + ", " + std::string(matter->example) + "}");
  }

  config::Reader& root_;
  const EnergyUsersContext& context_;
  std::map<std::string, const Point*> points_;
  std::set<std::string> devices_;
  UniqueIds ids_{"energy user"};
  std::map<std::pair<const Point*, model::Flow>, std::string> uses_;  // the first user of each
  std::set<std::pair<const Point*, std::string>> users_of_;
  std::vector<Shared> shared_;
  std::optional<FactorChooser> chooser_;
  std::set<const Point*> unlimited_;
  std::set<const Point*> too_large_;
  bool region_is_known_ = true;
  std::vector<model::Account> accounts_;
  struct Measured {
    model::Comparison comparison;
    const config::Node* node;
  };
  std::vector<Measured> measured_;
  std::set<std::string> users_;
  std::set<std::string> doubtful_users_;  // with an account that could not be read
  std::vector<PartOf> part_of_;
};

}  // namespace

EnergyUsers read_energy_users(config::Reader& root, const EnergyUsersContext& context) {
  return UsersReader(root, context).read();
}

}  // namespace carbongate::app

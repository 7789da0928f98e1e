#include "gateway/app/alert_subjects.h"

#include <algorithm>

#include "config/reader/text.h"
#include "gateway/model/carrier.h"
#include "gateway/sinks/selection.h"

namespace carbongate::app {
namespace {

using config::printable;
using config::suggestion;
using model::AlertSum;
using model::Measure;

bool has_wildcard(std::string_view pattern) {
  return pattern.find_first_of("*?") != std::string_view::npos;
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

std::string unit_of(const model::AlertRule& rule, const model::Carrier* carrier) {
  switch (rule.measure) {
    case Measure::quota_share:
    case Measure::quota_pace:
    case Measure::coverage:
    case Measure::deviation: return "%";
    default: break;
  }
  const bool rate = rule.measure == Measure::rate;
  if (rule.sum == AlertSum::co2e) return rate ? "kg/h" : "kg";
  const std::string symbol(carrier ? carrier->display.symbol : "");
  if (!rate) return symbol;
  return symbol == "kWh" ? "kW" : symbol + "/h";
}

}  // namespace

std::vector<std::string> AlertSubjects::device_names() const {
  std::vector<std::string> names;
  for (const Point& point : site_.points) add_once(names, point.device);
  return names;
}

std::vector<std::string> AlertSubjects::user_names() const {
  std::vector<std::string> names;
  for (const model::Account& account : site_.accounts) add_once(names, account.user);
  return names;
}

std::vector<std::string> AlertSubjects::chosen(config::Reader& in, std::string_view key, std::vector<std::string> known,
                                               std::string_view what) const {
  const auto patterns = in.optional<std::vector<std::string>>(key);
  std::vector<std::string> names;
  if (!patterns) return names;
  if (patterns->empty()) in.error(key, "an empty list; there is nothing to look at");
  for (const std::string& pattern : *patterns) {
    bool fits_any = false;
    for (const std::string& name : known) {
      if (!sinks::fits(pattern, name)) continue;
      fits_any = true;
      add_once(names, name);
    }
    const bool may_be_right =
        what == "energy user" ? !users_are_complete_ : doubtful_.contains(pattern.substr(0, pattern.find('.')));
    if (fits_any || may_be_right) continue;
    const std::string shown = "'" + printable(pattern) + "'";
    if (has_wildcard(pattern)) {
      if (doubtful_.empty()) in.error(key, shown + " fits no " + std::string(what));
    } else {
      in.error(key, "unknown " + std::string(what) + " " + shown + suggestion(pattern, known));
    }
  }
  return names;
}

std::vector<model::Watch> AlertSubjects::read(config::Reader& in, const model::AlertRule& rule) const {
  std::vector<model::Watch> watches;
  const bool of_points =
      rule.measure == Measure::value || rule.measure == Measure::change || rule.measure == Measure::silence;
  const int given = int{in.has("points")} + int{in.has("devices")} + int{in.has("users")};
  if (given != 1) {
    in.missing("points", given == 0 ? "nothing to look at; write points, devices or users"
                                    : "more than one of points, devices and users; make it a rule each");
    for (const char* key : {"points", "devices", "users", "carrier", "per"}) in.child(key);
    return watches;
  }
  if (in.has("users") == of_points) {
    in.error(in.has("users")    ? "users"
             : in.has("points") ? "points"
                                : "devices",
             of_points ? "of a user something is counted: write 'of', such as power or energy"
                       : "'of' is of energy users: write users");
  }
  if (in.has("devices") && rule.measure != Measure::silence && !rule.health) {
    in.error("devices",
             "of devices, only silent_for is known, and 'of': connected, answering, failed-requests, answer-age");
  }
  add_points(in, rule, watches);
  add_devices(in, rule, watches);
  add_users(in, rule, watches);
  return watches;
}

void AlertSubjects::add_points(config::Reader& in, const model::AlertRule& rule,
                               std::vector<model::Watch>& watches) const {
  std::vector<std::string> known;
  std::vector<PointId> ids;
  for (const Point& point : site_.points) {
    if (model::is_health(site_.health, point.id)) continue;  // that is what 'devices' and 'of' are for
    known.push_back(point.full_name());
    ids.push_back(point.id);
  }
  for (const std::string& name : chosen(in, "points", known, "point")) {
    const auto place = static_cast<std::size_t>(std::ranges::find(known, name) - known.begin());
    const Point& point = site_.points[index(ids[place])];
    model::Watch watch;
    watch.device = point.device;
    watch.point = point.name;
    watch.unit = rule.measure == Measure::silence ? "s" : std::string(point.unit.symbol);
    if (rule.measure == Measure::change) watch.unit += "/" + config::format_duration(rule.length);
    watch.points = {point.id};
    watches.push_back(std::move(watch));
  }
}

void AlertSubjects::add_devices(config::Reader& in, const model::AlertRule& rule,
                                std::vector<model::Watch>& watches) const {
  std::vector<std::string> names;
  for (const Point& point : site_.points) {
    if (!rule.health || !point.computed) add_once(names, point.device);  // no driver knows what is computed
  }
  for (const std::string& name : chosen(in, "devices", names, "device")) {
    model::Watch watch;
    watch.device = name;
    watch.unit = rule.health ? model::text_of(*rule.health).unit : "s";
    for (const Point& point : site_.points) {
      const bool counts = point.device == name && !model::is_health(site_.health, point.id);
      if (counts && !rule.health) watch.points.push_back(point.id);
    }
    watches.push_back(std::move(watch));
  }
}

void AlertSubjects::add_users(config::Reader& in, const model::AlertRule& rule,
                              std::vector<model::Watch>& watches) const {
  const std::string carrier = in.value_or("carrier", "");
  if (in.has("carrier") && !in.has("users")) in.error("carrier", "is of energy users");
  if (!carrier.empty() && !model::find_carrier(carrier)) {
    std::vector<std::string> known;
    for (const model::Carrier& one : model::all_carriers()) known.emplace_back(one.id);
    in.error("carrier", "unknown carrier '" + printable(carrier) + "'" + suggestion(carrier, known));
    in.child("per");
    in.child("users");
    return;
  }
  std::string per_unit;
  const std::vector<model::AccountId> per = product(in, per_unit);
  const auto patterns = in.has("users") ? in.optional<std::vector<std::string>>("users") : std::nullopt;
  for (const std::string& name : chosen(in, "users", user_names(), "energy user")) {
    const bool is_meant = patterns && std::ranges::find(*patterns, name) != patterns->end();
    auto watch = user(in, name, rule, carrier, is_meant);
    if (!watch) continue;
    watch->per = per;
    if (!per_unit.empty()) watch->unit += "/" + per_unit;
    watches.push_back(std::move(*watch));
  }
}

// What makes the user's total of the carrier; of a carrier that is only made or delivered, that.
std::optional<model::Watch> AlertSubjects::user(config::Reader& in, const std::string& name,
                                                const model::AlertRule& rule, const std::string& carrier,
                                                bool is_meant) const {
  const bool of_amounts = rule.sum == AlertSum::amount;
  model::Watch watch;
  watch.user = name;
  watch.carrier = carrier.empty() ? nullptr : model::find_carrier(carrier);
  std::vector<const model::Account*> all;
  for (const model::Account& account : site_.accounts) {
    if (account.user == name && (carrier.empty() || account.carrier == watch.carrier)) all.push_back(&account);
  }
  const auto in_totals = [](const model::Account* account) { return model::in_total(account->flow); };
  if (std::ranges::any_of(all, in_totals)) std::erase_if(all, [&](const model::Account* a) { return !in_totals(a); });
  if (all.empty()) {
    if (is_meant) in.error("users", "'" + name + "' has no account of " + printable(carrier));
    return std::nullopt;
  }
  const bool is_mixed = std::ranges::any_of(all, [&](const model::Account* a) {
    return a->flow != all.front()->flow || (of_amounts && a->carrier != all.front()->carrier);
  });
  if (is_mixed && of_amounts && rule.measure != Measure::coverage) {
    in.error("users", "'" + name + "' has several carriers; say which by 'carrier'");
    return std::nullopt;
  }
  if (of_amounts && rule.measure != Measure::coverage) watch.carrier = all.front()->carrier;
  watch.user_name = all.front()->user_name;
  watch.unit = unit_of(rule, watch.carrier);
  for (const model::Account* account : all) watch.accounts.push_back(account->id);
  return watch;
}

std::vector<model::AccountId> AlertSubjects::product(config::Reader& in, std::string& unit) const {
  std::vector<model::AccountId> accounts;
  const config::Node* node = in.child("per");
  if (!node) return accounts;
  config::Reader per(*node, in.problems());
  const std::string user = per.required<std::string>("user");
  const std::string carrier = per.required<std::string>("carrier");
  per.finish();
  if (user.empty() || carrier.empty() || !users_are_complete_) return accounts;
  std::vector<std::string> carriers;
  for (const model::Account& account : site_.accounts) {
    if (account.user != user) continue;
    add_once(carriers, std::string(account.carrier->id));
    if (account.carrier->id == carrier) accounts.push_back(account.id);
  }
  if (carriers.empty()) {
    per.error("user", "unknown energy user '" + printable(user) + "'" + suggestion(user, user_names()));
  } else if (accounts.empty()) {
    per.error("carrier",
              "'" + user + "' has no account of '" + printable(carrier) + "'" + suggestion(carrier, carriers));
  } else {
    unit = site_.accounts[model::index(accounts.front())].carrier->display.symbol;
  }
  return accounts;
}

}  // namespace carbongate::app

#include "gateway/ops/live.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <chrono>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "gateway/model/accounts_uncertainty.h"
#include "gateway/ops/json.h"
#include "gateway/ops/names.h"
#include "gateway/ops/presence.h"
#include "gateway/pipeline/counter.h"
#include "gateway/pipeline/watched_so_far.h"

namespace carbongate::ops {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr double kKwhPerGj = 1000.0 / 3.6;
constexpr double kKwhPerKgce = 29.3076 / 3.6;  // GB/T 2589: 1 kgce is 29 307.6 kJ

double in_units(const model::Account& account, model::Activity amount) {
  return static_cast<double>(amount.quanta()) / static_cast<double>(account.carrier->quanta_per_display);
}

double kilograms(std::int64_t milligrams) {
  return static_cast<double>(milligrams) / static_cast<double>(model::kMilligramsPerKilogram);
}

bool is_electricity(const model::Account& account) {
  return account.carrier->category == model::Category::electricity;
}

json::value intensity(double co2e_kg_per_h, std::optional<double> power_kw) {
  if (!power_kw || !(*power_kw > 0)) return nullptr;
  return co2e_kg_per_h * 1000 / *power_kw;
}

const model::OpenPeriod* open_period(const model::AccountState& state, model::Period period, Instant now) {
  const auto& open = state.open.at(static_cast<std::size_t>(period));
  return open && open->begin <= now && now < open->end ? &*open : nullptr;
}

}  // namespace

std::string supply_of(const model::Account& account) {
  if (model::is_own_supply(account)) return "own";
  return is_electricity(account) ? "grid" : std::string(account.carrier->id);
}

std::string rate_unit(const model::Carrier& carrier) {
  return carrier.display.symbol == "kWh" ? "kW" : std::string(carrier.display.symbol) + "/h";
}

std::optional<double> kwh_per_unit(const model::Account& account, const pipeline::FactorRegistry& factors,
                                   Instant now) {
  const model::Carrier& carrier = *account.carrier;
  if (carrier.display.symbol == "kWh") return 1.0;
  if (carrier.display.symbol == "GJ") return kKwhPerGj;
  const model::FactorChoice* coal = factors.coal_choice(account, now);
  if (carrier.category != model::Category::fuel || !coal) return std::nullopt;
  const model::Factor* factor = factors.find(*coal, carrier, now);
  if (!factor) return std::nullopt;
  const double mg_per_quantum = static_cast<double>(factor->scaled_coal) / static_cast<double>(model::kFactorScale);
  return kilograms(1) * mg_per_quantum * static_cast<double>(carrier.quanta_per_display) * kKwhPerKgce;
}

// What accounts came to in a period in progress.
struct Live::Sums {
  double electricity_kwh = 0;
  double own_kwh = 0;
  double kgce = 0;
  double co2e_kg = 0;
  std::array<double, 3> by_scope{};
  double market_kg = 0;
  model::AccountsUncertainty uncertainty;  // of co2e_kg
  json::value coverage_percent;
};

// Of one user, or of the site: what makes its total.
Live::Sums Live::sums_of(model::Period period, const std::string* user, Instant now) {
  const model::Site& site = facts_.site();
  const pipeline::Span span = calendar_.period(period, now);
  Sums sums;
  pipeline::WatchedSoFar watched(span, now);
  for (const model::Account& account : site.accounts) {
    const bool counts =
        user ? account.user == *user && model::in_total(account.flow) : model::in_site_total(site, account);
    if (!counts) continue;
    const model::AccountState& state = facts_.accounts().accounts.at(model::index(account.id));
    const model::OpenPeriod* open = open_period(state, period, now);
    watched.add(account.source, facts_.accounts().points.at(index(account.source)).last_at,
                open ? open->covered : Duration::zero());
    if (!open) continue;
    const double amount = in_units(account, open->amount);
    const model::Emitted& primary = open->emitted[model::Basis::primary];
    const model::Emitted& market = account.market ? open->emitted[model::Basis::market] : primary;
    if (is_electricity(account)) {
      sums.electricity_kwh += amount;
      if (model::is_own_supply(account)) sums.own_kwh += amount;
    }
    sums.kgce += kilograms(open->coal.quanta());
    sums.co2e_kg += kilograms(primary.co2e.quanta());
    sums.by_scope.at(static_cast<std::size_t>(account.scope)) += kilograms(primary.co2e.quanta());
    sums.market_kg += kilograms(market.co2e.quanta());
    sums.uncertainty.add(account, primary.without_gases(), open->quality);
  }
  sums.coverage_percent = percent_of(watched.coverage());
  return sums;
}

json::object Live::period_of(const Sums& sums) const {
  const model::Stated stated = sums.uncertainty.stated();
  const double u95_kg = kilograms(sums.uncertainty.u95().quanta());
  return {{"electricity_kwh", sums.electricity_kwh},
          {"kgce", sums.kgce},
          {"co2e_kg", sums.co2e_kg},
          {"u95_kg", stated == model::Stated::none ? json::value() : json::value(u95_kg)},
          {"u95_stated", to_string(stated)},
          {"co2e_kg_scope_1", sums.by_scope[1]},
          {"co2e_kg_scope_2", sums.by_scope[2]},
          {"market_co2e_kg", sums.market_kg},
          {"renewable_share_percent", percent_of(sums.own_kwh, sums.electricity_kwh)},
          {"coverage_percent", sums.coverage_percent}};
}

Live::Totals Live::totals(const State& state) const {
  return totals(Presence(facts_, state));
}

Live::Totals Live::totals(const Presence& present) const {
  const model::Site& site = facts_.site();
  Totals totals;
  RateSum power;
  RateSum co2e;
  for (const model::Account& account : site.accounts) {
    if (!model::in_site_total(site, account)) continue;
    const model::AccountState& state = facts_.accounts().accounts.at(model::index(account.id));
    totals.co2e_kg += kilograms(state.emissions[model::Basis::primary].total.co2e.quanta());
    co2e.add(present, account, state.co2e_kg_per_hour);
    if (!is_electricity(account)) continue;
    totals.electricity_kwh += in_units(account, state.amount);
    power.add(present, account, state.amount_per_hour);
  }
  totals.power_kw = power.known();
  totals.co2e_kg_per_h = co2e.known();
  totals.power_is_whole = !power.is_stale();
  totals.stale_points = present.stale_points();
  return totals;
}

json::array Live::sources(const Presence& present) const {
  struct Source {
    const model::Account* account;
    RateSum rate{};
    RateSum power_kw{};
    bool has_power = false;
    RateSum co2e_kg_per_h{};
  };
  const model::Site& site = facts_.site();
  std::vector<std::pair<std::string, Source>> all;
  for (const model::Account& account : site.accounts) {
    if (!model::in_site_total(site, account) || account.flow != model::Flow::consumed) continue;
    const std::string id = supply_of(account);
    auto source = std::ranges::find(all, id, &std::pair<std::string, Source>::first);
    if (source == all.end()) source = all.insert(all.end(), {id, Source{.account = &account}});
    const auto kwh = kwh_per_unit(account, facts_.factors(), present.now());
    source->second.has_power = kwh.has_value();
    const model::AccountState& state = facts_.accounts().accounts.at(model::index(account.id));
    source->second.rate.add(present, account, state.amount_per_hour);
    source->second.power_kw.add(present, account, state.amount_per_hour * kwh.value_or(0));
    source->second.co2e_kg_per_h.add(present, account, state.co2e_kg_per_hour);
  }
  json::array list;
  for (const auto& [id, source] : all) {
    const auto power = source.has_power ? source.power_kw.known() : std::nullopt;
    const auto co2e = source.co2e_kg_per_h.known();
    list.push_back(json::object{{"id", id},
                                {"power_kw", optional_number(power)},
                                {"rate", optional_number(source.rate.known())},
                                {"rate_unit", rate_unit(*source.account->carrier)},
                                {"co2e_kg_per_h", optional_number(co2e)},
                                {"g_co2e_per_kwh", intensity(co2e.value_or(0), power)},
                                {"stale", source.rate.is_stale()}});
  }
  return list;
}

json::array Live::quotas(Instant now) {
  const model::Site& site = facts_.site();
  json::array list;
  std::set<std::tuple<std::string, const model::Carrier*, model::AlertSum, model::Period, std::int64_t>> told;
  for (const model::Watch& watch : site.watches) {
    const model::AlertRule& rule = site.alert_rules.at(watch.rule_place);
    const bool has_quota = rule.measure == model::Measure::quota_share || rule.measure == model::Measure::quota_pace;
    if (!has_quota || rule.quota <= 0) continue;
    if (!told.emplace(watch.user, watch.carrier, rule.sum, rule.period, rule.quota).second) continue;
    const pipeline::Span span = calendar_.period(rule.period, now);
    const bool by_co2e = rule.sum == model::AlertSum::co2e;
    std::int64_t used = 0;
    pipeline::WatchedSoFar watched(span, now);
    for (const model::AccountId id : watch.accounts) {
      const auto* open = open_period(facts_.accounts().accounts.at(model::index(id)), rule.period, now);
      const PointId source = site.accounts.at(model::index(id)).source;
      watched.add(source, facts_.accounts().points.at(index(source)).last_at, open ? open->covered : Duration::zero());
      if (open) used += by_co2e ? open->emitted[model::Basis::primary].co2e.quanta() : open->amount.quanta();
    }
    const std::int64_t per_unit =
        by_co2e || !watch.carrier ? model::kMilligramsPerKilogram : watch.carrier->quanta_per_display;
    const auto in = [per_unit](std::int64_t quanta) {
      return static_cast<double>(quanta) / static_cast<double>(per_unit);
    };
    list.push_back(json::object{
        {"rule", rule.id},
        {"energy_user", watch.user},
        {"carrier", optional_text(watch.carrier ? watch.carrier->id : std::string_view())},
        {"measure", by_co2e ? "co2e" : "amount"},
        {"period", word_of(rule.period)},
        {"begin", model::format_utc(span.begin)},
        {"end", model::format_utc(span.end)},
        {"quota", in(rule.quota)},
        {"used", in(used)},
        {"unit", by_co2e || !watch.carrier ? std::string("kg") : std::string(watch.carrier->display.symbol)},
        {"used_percent", percent_of(in(used), in(rule.quota))},
        {"elapsed_percent", percent_of(static_cast<double>((now - span.begin).count()),
                                       static_cast<double>((span.end - span.begin).count()))},
        {"coverage_percent", percent_of(watched.coverage())}});
  }
  return list;
}

// Of the first account of purchased electricity, whose factor most others share.
json::value Live::grid(const Presence& present) const {
  const model::Site& site = facts_.site();
  const Instant now = present.now();
  for (const model::Account& account : site.accounts) {
    if (!is_electricity(account) || account.flow != model::Flow::consumed || model::is_own_supply(account)) continue;
    if (!account.factor) continue;
    if (facts_.factors().is_live(*account.factor, *account.carrier)) {
      const model::AccountState& state = facts_.accounts().accounts.at(model::index(account.id));
      if (!(state.amount_per_hour > 0) || !present.is_fresh(account)) return nullptr;
      return json::object{{"g_co2e_per_kwh", state.co2e_kg_per_hour * 1000 / state.amount_per_hour},
                          {"factor", account.factor->set + "/" + account.factor->region + "/" + account.factor->method},
                          {"version", model::kLiveVersion},
                          {"region", account.factor->region},
                          {"method", account.factor->method},
                          {"valid_from", model::format_utc(now)},
                          {"live", true},
                          {"source", account.factor->set}};
    }
    const model::Factor* factor = facts_.factors().find(*account.factor, *account.carrier, now);
    if (!factor) continue;
    const double mg_per_quantum = static_cast<double>(factor->scaled_co2e) / static_cast<double>(model::kFactorScale);
    return json::object{
        {"g_co2e_per_kwh", mg_per_quantum * static_cast<double>(account.carrier->quanta_per_display) / 1000},
        {"factor", factor->id},
        {"version", factor->version},
        {"region", factor->region},
        {"method", factor->method},
        {"valid_from", model::format_utc(factor->valid_from)},
        {"live", false},
        {"source", factor->source}};
  }
  return nullptr;
}

// From sources to users, from users to those that are part of them, and what is left of a carrier that has parts.
json::object Live::flows(const Presence& present) const {
  struct Flow {
    double power_kw = 0;
    double co2e_kg_per_h = 0;
    bool has_parts = false;
    bool has_silent_parts = false;

    void add(double power, double co2e) {
      power_kw += power;
      co2e_kg_per_h += co2e;
    }
  };
  using Ends = std::tuple<std::string, std::string, std::string>;  // source, target, carrier
  const model::Site& site = facts_.site();
  std::map<Ends, Flow> links;
  std::map<std::pair<std::string, std::string>, Flow> left;  // by user and carrier: what no part takes
  std::map<std::string, std::string> names;
  for (const model::Account& account : site.accounts) names[account.user] = account.user_name;
  json::array nodes;
  std::set<std::string> known;
  std::set<std::string> silent;  // nodes that are told without some of their meters
  const auto node = [&](const std::string& id, std::string_view kind, std::string_view name, std::string_view name_zh) {
    if (!known.insert(id).second) return;
    nodes.push_back(
        json::object{{"id", id}, {"kind", kind}, {"name", name}, {"name_zh", name_zh}, {"stale", silent.contains(id)}});
  };
  for (const model::Account& account : site.accounts) {
    if (account.flow != model::Flow::consumed || !present.is_stale(account)) continue;
    silent.insert("user:" + account.user);
    if (const model::Containment* container = model::container_of(site, account)) {
      left[{container->of, std::string(account.carrier->id)}].has_silent_parts = true;
    } else {
      silent.insert("source:" + source_text(account).id);
    }
  }
  for (const model::Account& account : site.accounts) {
    if (account.flow != model::Flow::consumed || !present.is_fresh(account)) continue;
    const auto kwh = kwh_per_unit(account, facts_.factors(), present.now());
    const model::AccountState& state = facts_.accounts().accounts.at(model::index(account.id));
    const double power = state.amount_per_hour * kwh.value_or(0);
    const double co2e = state.co2e_kg_per_hour;
    if (!(power > 0)) continue;
    const std::string carrier(account.carrier->id);
    std::string from;
    if (const model::Containment* container = model::container_of(site, account)) {
      from = "user:" + container->of;
      node(from, "energy_user", names[container->of], names[container->of]);
      Flow& whole = left[{container->of, carrier}];
      whole.add(-power, -co2e);
      whole.has_parts = true;
    } else {
      const SourceText source = source_text(account);
      from = "source:" + source.id;
      node(from, "source", source.name, source.name_zh);
    }
    node("user:" + account.user, "energy_user", account.user_name, account.user_name);
    links[{from, "user:" + account.user, carrier}].add(power, co2e);
    left[{account.user, carrier}].add(power, co2e);
  }
  for (const auto& [whole, rest] : left) {
    if (!rest.has_parts || !(rest.power_kw > 1e-9)) continue;
    const std::string& name = names[whole.first];
    const std::string id = "unallocated:" + whole.first;
    if (rest.has_silent_parts) silent.insert(id);
    node(id, "unallocated", name + ": unallocated", name + "：未分配");
    links[{"user:" + whole.first, id, whole.second}] = rest;
  }
  json::array list;
  for (const auto& [ends, flow] : links) {
    list.push_back(json::object{{"source", std::get<0>(ends)},
                                {"target", std::get<1>(ends)},
                                {"carrier", std::get<2>(ends)},
                                {"power_kw", flow.power_kw},
                                {"g_co2e_per_kwh", intensity(flow.co2e_kg_per_h, flow.power_kw)}});
  }
  return {{"nodes", std::move(nodes)}, {"links", std::move(list)}};
}

json::object Live::now(const State& state) {
  const model::Site& site = facts_.site();
  const Presence present(facts_, state);
  const Instant now = present.now();
  const Totals all = totals(present);
  std::optional<Instant> newest;
  for (const model::Account& account : site.accounts) {
    const auto& at = facts_.accounts().points.at(index(account.source)).last_at;
    if (at) newest = std::max(newest.value_or(*at), *at);
  }
  double own_kw = 0;
  for (const model::Account& account : site.accounts) {
    if (!model::in_site_total(site, account) || !is_electricity(account) || !model::is_own_supply(account)) continue;
    if (present.is_fresh(account)) own_kw += facts_.accounts().accounts.at(model::index(account.id)).amount_per_hour;
  }
  std::array<std::int64_t, model::kSeverityCount> firing{};
  for (const model::Watch& watch : site.watches) {
    if (!facts_.accounts().alerts.at(model::index(watch.id)).since) continue;
    ++firing.at(static_cast<std::size_t>(site.alert_rules.at(watch.rule_place).severity));
  }
  std::array<std::int64_t, 3> devices{};  // starting, online, offline
  for (const DriverStatus& driver : state.drivers) {
    for (const DeviceStatus& device : driver.devices) ++devices.at(static_cast<std::size_t>(device.state));
  }
  const pipeline::Span day = calendar_.period(model::Period::day, now);
  const json::object sums = period_of(sums_of(model::Period::day, nullptr, now));
  json::object today{{"begin", model::format_utc(day.begin)}, {"end", model::format_utc(day.end)}};
  for (const char* key :
       {"electricity_kwh", "kgce", "co2e_kg", "u95_kg", "u95_stated", "renewable_share_percent", "coverage_percent"}) {
    today[key] = sums.at(key);
  }
  const auto age = newest ? std::optional(std::chrono::duration<double>(std::max<Duration>(now - *newest, 0ms)).count())
                          : std::nullopt;
  const json::value own_share = all.power_is_whole ? percent_of(own_kw, all.power_kw.value_or(0)) : json::value();
  json::object told{
      {"at", model::format_utc(now)},
      {"data_age_s", optional_number(age)},
      {"time_is_known", state.time_is_known},
      {"co2e_kg_per_h", optional_number(all.co2e_kg_per_h)},
      {"power_kw", optional_number(all.power_kw)},
      {"sources", sources(present)},
      {"today", std::move(today)},
      {"quotas", quotas(now)},
      {"renewable_share_percent", own_share},
      {"grid", grid(present)},
      {"flows", flows(present)},
      {"alerts", json::object{{"info", firing[0]}, {"warning", firing[1]}, {"critical", firing[2]}}},
      {"devices", json::object{{"online", devices[1]}, {"offline", devices[2]}, {"starting", devices[0]}}}};
  for (auto& [key, value] : present.json()) told[key] = std::move(value);
  return told;
}

json::array Live::carriers(const std::string* user, const Presence& present) {
  struct Line {
    const model::Account* account;
    RateSum rate{};
    double today = 0;
    double month = 0;
    bool in_doubt = false;
  };
  const model::Site& site = facts_.site();
  const Instant now = present.now();
  std::vector<Line> lines;
  for (const model::Account& account : site.accounts) {
    if (user ? account.user != *user : !model::in_site_total(site, account)) continue;
    auto line = std::ranges::find_if(lines, [&](const Line& one) {
      return one.account->carrier == account.carrier && one.account->flow == account.flow &&
             supply_of(*one.account) == supply_of(account);
    });
    if (line == lines.end()) line = lines.insert(lines.end(), Line{.account = &account});
    const model::AccountState& state = facts_.accounts().accounts.at(model::index(account.id));
    line->rate.add(present, account, state.amount_per_hour);
    if (const auto* open = open_period(state, model::Period::day, now)) line->today += in_units(account, open->amount);
    if (const auto* open = open_period(state, model::Period::month, now))
      line->month += in_units(account, open->amount);
    const model::PointState& point = facts_.accounts().points.at(index(account.source));
    line->in_doubt = line->in_doubt || pipeline::pending(point.counter).has_value();
  }
  json::array list;
  for (const Line& line : lines) {
    list.push_back(json::object{{"carrier", line.account->carrier->id},
                                {"flow", to_string(line.account->flow)},
                                {"supply", supply_of(*line.account)},
                                {"scope", scope_number(line.account->scope)},
                                {"rate", optional_number(line.rate.known())},
                                {"rate_unit", rate_unit(*line.account->carrier)},
                                {"today", line.today},
                                {"month", line.month},
                                {"unit", line.account->carrier->display.symbol},
                                {"in_doubt", line.in_doubt},
                                {"stale", line.rate.is_stale()}});
  }
  return list;
}

json::object Live::energy_users(const State& state) {
  const model::Site& site = facts_.site();
  const Presence present(facts_, state);
  const Instant now = present.now();
  json::array list;
  const auto tell = [&](const std::string* user, std::string_view id, std::string_view name, std::string_view part_of) {
    RateSum power;
    RateSum co2e;
    for (const model::Account& account : site.accounts) {
      const bool counts =
          user ? account.user == *user && model::in_total(account.flow) : model::in_site_total(site, account);
      if (!counts) continue;
      const model::AccountState& account_state = facts_.accounts().accounts.at(model::index(account.id));
      co2e.add(present, account, account_state.co2e_kg_per_hour);
      if (is_electricity(account)) power.add(present, account, account_state.amount_per_hour);
    }
    list.push_back(json::object{{"id", id},
                                {"name", name},
                                {"part_of", optional_text(part_of)},
                                {"co2e_kg_per_h", optional_number(co2e.known())},
                                {"power_kw", optional_number(power.known())},
                                {"stale", co2e.is_stale()},
                                {"today", period_of(sums_of(model::Period::day, user, now))},
                                {"month", period_of(sums_of(model::Period::month, user, now))},
                                {"carriers", carriers(user, present)}});
  };
  const std::vector<UserText> users = users_of(site);
  // A user of that name takes the place of the site.
  if (std::ranges::find(users, "site", &UserText::id) == users.end()) tell(nullptr, "site", site.name, "");
  for (const UserText& user : users) tell(&user.id, user.id, user.name, user.part_of);
  return {{"at", model::format_utc(now)}, {"energy_users", std::move(list)}};
}

}  // namespace carbongate::ops

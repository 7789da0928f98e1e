#include "gateway/app/alerts_section.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "config/reader/text.h"
#include "config/reader/time_of_day.h"
#include "gateway/app/alert_subjects.h"
#include "gateway/app/conservation_rule.h"
#include "gateway/app/names.h"
#include "gateway/cli/time_text.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::app {
namespace {

using config::printable;
using config::suggestion;
using model::AlertRule;
using model::AlertSum;
using model::Measure;
using model::Period;
using namespace std::chrono_literals;

constexpr double kQuotaMax = 1e12;  // in the carrier's unit, or kg
constexpr std::array<std::string_view, 7> kDays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

std::optional<double> number(config::Reader& in, std::string_view key) {
  const auto value = in.optional<double>(key);
  if (value && !std::isfinite(*value)) in.error(key, "is not a number");
  return value;
}

std::optional<unsigned> two_digits(std::string_view text, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.size() != 2 || error != std::errc() || end != text.data() + 2 || value > max) return std::nullopt;
  return value;
}

// "11-15"
std::optional<unsigned> date_of_year(std::string_view text) {
  constexpr std::array<unsigned, 13> kLast{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (text.size() != 5 || text[2] != '-') return std::nullopt;
  const auto month = two_digits(text.substr(0, 2), 12);
  const auto day = two_digits(text.substr(3), 31);
  if (!month || !day || *month == 0 || *day == 0 || *day > kLast.at(*month)) return std::nullopt;
  return *month * 100 + *day;
}

// Both sides of `separator`.
template <class Parse>
auto read_pair(std::string_view text, std::string_view separator, const Parse& parse)
    -> std::optional<std::pair<typename std::invoke_result_t<Parse, std::string_view>::value_type,
                               typename std::invoke_result_t<Parse, std::string_view>::value_type>> {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const auto first = parse(text.substr(0, at));
  const auto second = parse(text.substr(at + separator.size()));
  if (!first || !second) return std::nullopt;
  return std::pair(*first, *second);
}

std::optional<model::Active> read_active(config::Reader& rule) {
  const config::Node* node = rule.child("active");
  if (!node) return std::nullopt;
  config::Reader in(*node, rule.problems());
  model::Active active;
  if (const auto days = in.optional<std::vector<std::string>>("days")) {
    active.weekdays = 0;
    for (const std::string& day : *days) {
      const auto found = std::ranges::find(kDays, day);
      if (found == kDays.end()) {
        in.error("days", "'" + printable(day) + "' is no day of the week; write mon, tue, wed, thu, fri, sat or sun");
      } else {
        active.weekdays |= static_cast<std::uint8_t>(1U << static_cast<unsigned>(found - kDays.begin()));
      }
    }
    if (days->empty()) in.error("days", "an empty list; the rule would never be looked at");
  }
  if (const auto hours = in.optional<std::string>("hours")) {
    const auto both = read_pair(*hours, "-", config::time_of_day);
    if (both) {
      std::tie(active.begin, active.end) = *both;
    } else {
      in.error("hours", "'" + printable(*hours) + "' are no hours; write 08:00-18:00, over midnight 22:00-06:00");
    }
  }
  if (const auto dates = in.optional<std::string>("dates")) {
    active.dates = read_pair(*dates, "..", date_of_year);
    if (!active.dates) {
      in.error("dates", "'" + printable(*dates) + "' are no dates; write 11-15..03-15, month and day, both included");
    }
  }
  in.finish();
  return active;
}

Period read_period(config::Reader& in) {
  const auto word = in.required<std::string>("period");
  std::vector<std::string> known;
  for (const Period period : pipeline::kPeriods) {
    if (to_string(period) == word) return period;
    known.emplace_back(to_string(period));
  }
  if (!word.empty()) {
    in.error("period", "'" + printable(word) + "' is no period; write 15min, hour, day, month or year" +
                           (config::nearest(word, known).empty() ? "" : suggestion(word, known)));
  }
  return Period::month;
}

void reject(config::Reader& in, std::initializer_list<std::string_view> keys, const std::string& why) {
  for (const std::string_view key : keys) {
    if (!in.has(key)) continue;
    in.error(key, why);
    in.child(key);
  }
}

class Rules {
 public:
  Rules(model::Site& site, const std::set<std::string>& doubtful, bool users_are_complete)
      : site_(site), subjects_(site, doubtful, users_are_complete) {}

  void read(const config::Node& node, config::Problems& problems) {
    config::Reader in(node, problems);
    AlertRule rule;
    rule.id = read_id(in, "id");
    ids_.add(in, "id", rule.id);
    if (rule.id == kConservationRule) {
      in.error("id", "'conservation' is a rule of the gateway's own, which is always there; name this one otherwise");
    }
    rule.name = in.value_or("name", rule.id);
    rule.name_zh = in.value_or("name_zh", rule.name);
    rule.severity = static_cast<model::Severity>(
        in.one_of("severity", {"info", "warning", "critical"}, static_cast<std::size_t>(rule.severity)));
    read_measure(in, rule);
    read_limits(in, rule);
    rule.hold_for = in.in_range<Duration>("for", 0ms, 0ms, 31 * 24h);
    if (rule.measure == Measure::silence && in.has("for")) in.error("for", "silent_for says how long");
    rule.active = read_active(in);
    rule.one_alert = in.value_or("one_alert", false);
    read_dependencies(in, rule);
    const bool is_group = rule.measure == Measure::members;
    std::vector<model::Watch> watches = is_group ? groups_of(rule) : subjects_.read(in, rule);
    if (is_group && watches.empty() && !rule.group.empty()) {
      in.error("by", "the alerts of these rules are about none");
    }
    in.finish();
    read_quota(in, rule, watches);
    for (model::Watch& watch : watches) {
      watch.id = static_cast<model::WatchId>(site_.watches.size());
      watch.rule = rule.id;
      watch.rule_place = site_.alert_rules.size();
      if (rule.health) watch.points = {health_point(in, watch.device, *rule.health)};
      site_.watches.push_back(std::move(watch));
    }
    site_.alert_rules.push_back(std::move(rule));
  }

  void read_maintenance(const config::Node& node, config::Problems& problems) {
    config::Reader in(node, problems);
    model::Maintenance work;
    work.from = read_time(in, "from");
    work.to = read_time(in, "to");
    if (in.has("from") && in.has("to") && work.to <= work.from) in.error("to", "not after 'from'");
    in.required<std::string>("reason");
    std::vector<std::string> rules;
    for (const AlertRule& rule : site_.alert_rules) rules.push_back(rule.id);
    work.rules = subjects_.chosen(in, "rules", rules, "rule");
    work.devices = subjects_.chosen(in, "devices", subjects_.device_names(), "device");
    work.users = subjects_.chosen(in, "users", subjects_.user_names(), "energy user");
    in.finish();
    site_.maintenance.push_back(std::move(work));
  }

 private:
  void read_measure(config::Reader& in, AlertRule& rule) {
    if (in.has("group")) {
      read_group(in, rule);
    } else if (in.has("silent_for")) {
      rule.measure = Measure::silence;
      rule.length = in.in_range<Duration>("silent_for", 10min, 1s, 31 * 24h);
      reject(in, {"of", "above", "below", "clear_above", "clear_below", "change_per"},
             "of missing data there is no value");
    } else if (in.has("change_per")) {
      rule.measure = Measure::change;
      rule.length = in.in_range<Duration>("change_per", 1min, 1s, 24h);
      reject(in, {"of"}, "a change is that of a point's value");
    } else if (in.has("of") && in.has("devices")) {
      rule.health =
          static_cast<model::Health>(in.one_of("of", {"connected", "answering", "failed-requests", "answer-age"}, 0));
    } else if (in.has("of")) {
      read_sum(in, rule);
    }
    if (rule.measure != Measure::period)
      reject(in, {"quota", "pace", "at_least"}, "a quota is of energy or co2e of a period");
  }

  void read_sum(config::Reader& in, AlertRule& rule) {
    constexpr std::array<Measure, 7> kMeasures{Measure::rate,  Measure::rate,  Measure::period,  Measure::period,
                                               Measure::total, Measure::total, Measure::coverage};
    const std::size_t of =
        in.one_of("of", {"power", "co2e-rate", "energy", "co2e", "total", "co2e-total", "coverage"}, 0);
    rule.measure = kMeasures.at(of);
    rule.sum = of == 1 || of == 3 || of == 5 ? AlertSum::co2e : AlertSum::amount;
    if (rule.measure == Measure::period) {
      const int given = int{in.has("window")} + int{in.has("deviates")} + int{in.has("per")} + int{in.has("quota")};
      if (given > 1) in.error("of", "only one of window, deviates, per and quota");
      if (in.has("window")) {
        rule.measure = Measure::window;
        rule.length = in.in_range<Duration>("window", 24h, 15min, 31 * 24h);
        if (rule.length % 15min != 0ms) in.error("window", "must be whole quarter hours");
      } else if (in.has("deviates")) {
        rule.measure = Measure::deviation;
        rule.weeks = in.in_range<std::uint32_t>("weeks", 4, 2, 8);
      } else if (in.has("per")) {
        rule.measure = Measure::intensity;
      }
      if (!in.has("quota")) reject(in, {"pace", "at_least"}, "is of a quota; say which by 'quota'");
    }
    if (rule.measure == Measure::period || rule.measure == Measure::coverage || rule.measure == Measure::intensity) {
      rule.period = read_period(in);
    }
    if (rule.measure == Measure::coverage && rule.period == Period::quarter_hour) {
      in.error("period", "coverage is that of an hour or longer");
    }
  }

  // After the measure, of which `quota` makes another one once its carrier is known.
  void read_quota(config::Reader& in, AlertRule& rule, const std::vector<model::Watch>& watches) {
    if (quota_ <= 0 || watches.empty()) return;
    const model::Carrier* carrier = watches.front().carrier;
    const double per_unit = rule.sum == AlertSum::co2e || !carrier ? static_cast<double>(model::kMilligramsPerKilogram)
                                                                   : static_cast<double>(carrier->quanta_per_display);
    for (const model::Watch& watch : watches) {
      if (rule.sum == AlertSum::amount && watch.carrier != carrier) {
        in.error("users", "a quota of several carriers; say which by 'carrier'");
      }
    }
    rule.quota = std::llround(quota_ * per_unit);
  }

  void read_limits(config::Reader& in, AlertRule& rule) {
    quota_ = 0;
    if (rule.measure == Measure::silence) return;
    if (rule.measure == Measure::members) {
      rule.above = number(in, "above").value_or(0);
      reject(in, {"below", "clear_above", "clear_below"}, "of a group only 'above' is known: how many alerts");
      return;
    }
    if (rule.health == model::Health::connected || rule.health == model::Health::answering) {
      rule.below = 1;
      reject(in, {"above", "below", "clear_above", "clear_below"}, "it fires while this is not so");
      return;
    }
    if (rule.measure == Measure::deviation) {
      const double percent = in.in_range<double>("deviates", 30, 0.1, 1e6);
      rule.above = percent;
      rule.below = -percent;
      reject(in, {"above", "below", "clear_above", "clear_below"}, "deviates says how much");
      return;
    }
    if (rule.measure == Measure::period && in.has("quota")) {
      quota_ = in.in_range<double>("quota", 0, 1e-3, kQuotaMax);
      rule.measure = in.value_or("pace", false) ? Measure::quota_pace : Measure::quota_share;
      rule.at_least = in.in_range<double>("at_least", rule.measure == Measure::quota_pace ? 5 : 0, 0, 99);
    }
    rule.above = number(in, "above");
    rule.below = number(in, "below");
    rule.clear_above = number(in, "clear_above");
    rule.clear_below = number(in, "clear_below");
    if (!rule.above && !rule.below) in.missing("above", "no limit; write above or below, or silent_for");
    if (rule.clear_above && (!rule.above || *rule.clear_above > *rule.above)) {
      in.error("clear_above", "must not be more than 'above', which it belongs to");
    }
    if (rule.clear_below && (!rule.below || *rule.clear_below < *rule.below)) {
      in.error("clear_below", "must not be less than 'below', which it belongs to");
    }
    if (rule.above && rule.below && *rule.below >= *rule.above) {
      in.error("below", "not less than 'above': it fires outside of the two");
    }
    const bool grows = rule.measure == Measure::period || rule.measure == Measure::quota_share;
    if (grows && rule.above && rule.below) {
      in.error("below",
               "is held against a period that is over, and 'above' already against what one holds so far; "
               "make it a rule each");
    }
  }

  void read_group(config::Reader& in, AlertRule& rule) {
    rule.measure = Measure::members;
    rule.group = rules_above(in, "group");
    const auto* members = in.child("group");
    if (members->is_sequence() && members->items().empty()) {
      in.error("group", "is empty: name rules that stand above this one");
    }
    rule.group_by = static_cast<model::GroupBy>(in.one_of("by", {"all", "device", "user"}, 0));
    reject(in, {"points", "devices", "users", "carrier", "per", "of", "silent_for", "change_per", "one_alert"},
           "a group is of the alerts of other rules");
  }

  // The rules that a key names, by place.
  std::vector<std::size_t> rules_above(config::Reader& in, std::string_view key) {
    std::vector<std::string> known;
    for (const AlertRule& other : site_.alert_rules) known.push_back(other.id);
    std::vector<std::size_t> places;
    for (const std::string& name : in.optional<std::vector<std::string>>(key).value_or(std::vector<std::string>())) {
      const auto found = std::ranges::find(known, name);
      if (found == known.end()) {
        in.error(key, "there is no rule '" + printable(name) + "' above this one" + suggestion(name, known));
      } else {
        places.push_back(static_cast<std::size_t>(found - known.begin()));
      }
    }
    return places;
  }

  // One for each device or user that the rules' alerts are about, or one for all.
  std::vector<model::Watch> groups_of(const AlertRule& rule) const {
    std::vector<model::Watch> groups;
    for (const model::Watch& member : site_.watches) {
      if (std::ranges::find(rule.group, member.rule_place) == rule.group.end()) continue;
      model::Watch group;
      group.unit = "1";
      if (rule.group_by == model::GroupBy::device) group.device = member.device;
      if (rule.group_by == model::GroupBy::user) {
        group.user = member.user;
        group.user_name = member.user_name;
      }
      if (rule.group_by != model::GroupBy::all && group.device.empty() && group.user.empty()) continue;
      auto found = std::ranges::find_if(
          groups, [&](const model::Watch& known) { return known.device == group.device && known.user == group.user; });
      if (found == groups.end()) found = groups.insert(groups.end(), group);
      found->members.push_back(member.id);
    }
    return groups;
  }

  void read_dependencies(config::Reader& in, AlertRule& rule) {
    rule.depends_on = rules_above(in, "depends_on");
    for (const std::size_t place : rule.depends_on) {
      const AlertRule& other = site_.alert_rules[place];
      const std::string& name = other.id;
      if (rule.measure == Measure::silence && other.measure == Measure::silence && other.length > rule.length) {
        in.error("depends_on", "'" + name + "' waits longer than silent_for of this rule, which would fire first");
      }
    }
  }

  // The one that an earlier rule has asked for, or a new one.
  PointId health_point(config::Reader& in, const std::string& device, model::Health what) {
    const model::HealthText& text = model::text_of(what);
    for (const Point& point : site_.points) {
      if (point.device != device || point.name != text.point) continue;
      if (!model::is_health(site_.health, point.id)) {
        in.error("devices", "'" + point.full_name() + "' is a point of the device's own; give that another name");
      }
      return point.id;
    }
    Point point;
    point.id = static_cast<PointId>(site_.points.size());
    point.device = device;
    point.name = text.point;
    point.kind = Kind::instantaneous;
    point.unit = find_unit(text.unit).value();
    point.limits.interval = model::kHealthEvery;
    site_.points.push_back(point);
    site_.health.push_back({point.id, what});
    return point.id;
  }

  Instant read_time(config::Reader& in, std::string_view key) {
    const auto text = in.required<std::string>(key);
    const auto time = cli::parse_time(text, site_.time_zone);
    if (!time && !text.empty()) {
      in.error(key, "'" + printable(text) +
                        "' is not a time; write 2026-03-01, 2026-03-01T12:00 or 2026-03-01T12:00:00+08:00");
    }
    return time.value_or(Instant{});
  }

  model::Site& site_;
  AlertSubjects subjects_;
  UniqueIds ids_{"rule"};
  double quota_ = 0;  // of the rule that is read
};

}  // namespace

void read_alerts(config::Reader& root, model::Site& site, const std::set<std::string>& doubtful_devices,
                 bool users_are_complete) {
  const config::Node* node = root.child("alerts");
  if (!node) return add_conservation_rule(site);
  config::Reader in(*node, root.problems());
  site.alert_grace = in.in_range<Duration>("grace", site.alert_grace, 0ms, 24h);
  Rules rules(site, doubtful_devices, users_are_complete);
  for (const config::Node& item : in.items("rules")) rules.read(item, root.problems());
  add_conservation_rule(site);
  for (const config::Node& item : in.items("maintenance")) rules.read_maintenance(item, root.problems());
  in.finish();
}

}  // namespace carbongate::app

// What the configuration says of alerts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/model/alert.h"
#include "gateway/model/device_health.h"
#include "gateway/model/rows.h"

namespace carbongate::model {

// What of a subject is held against the limits.
enum class Measure : std::uint8_t {
  value,        // of a point
  change,       // of a point: how much its value changes in AlertRule::length
  silence,      // of a point or a device: no usable reading for AlertRule::length
  rate,         // of a user: units an hour, kW for electricity; with AlertSum::co2e kg/h
  total,        // of a user, since the first reading
  period,       // of a user: what the calendar period in progress holds so far; `below` alone: once it is closed
  quota_share,  // of a user: that as a percentage of AlertRule::quota
  quota_pace,   // of a user: that share as a percentage of the share of the period that is gone
  window,       // of a user: the sum of the quarter hours of the last AlertRule::length
  coverage,     // of a user: percent of a calendar period that was watched, once it is closed
  intensity,    // of a user: a closed calendar period's sum for each unit of a product
  deviation,    // of a user: percent that a closed hour is off the mean of the same hour of the weekday
  members,      // of other rules: how many of their alerts fire
};

// Which alerts of the rules of Measure::members make one group.
enum class GroupBy : std::uint8_t { all, device, user };

enum class AlertSum : std::uint8_t { amount, co2e };

// When a rule is looked at, in the site's time.
struct Active {
  std::uint8_t weekdays = 0x7f;           // bit 0: Monday
  Duration begin{};                       // of the time of day, included
  Duration end = std::chrono::hours(24);  // excluded; at or before `begin`: of the next day

  // Inclusive, as month * 100 + day; the first after the second: over the turn of the year. nullopt: all year.
  std::optional<std::pair<unsigned, unsigned>> dates;

  friend bool operator==(const Active&, const Active&) = default;
};

struct AlertRule {
  std::string id;
  std::string name;
  std::string name_zh;
  Severity severity = Severity::warning;
  Measure measure = Measure::value;
  AlertSum sum = AlertSum::amount;
  std::optional<Health> health;  // of a device: the value is that of its point

  // Fires above or below; with both it fires outside of them. It clears at the clear limits or on their good side.
  std::optional<double> above;
  std::optional<double> below;
  std::optional<double> clear_above;  // of `above`: at or below it; absent: at `above` itself
  std::optional<double> clear_below;  // of `below`: at or above it

  Duration hold_for{};                  // how long the condition must hold
  Period period = Period::month;        // of the measures that have one
  Duration length{};                    // of change, silence and window
  std::int64_t quota = 0;               // quanta of the carrier, or milligrams
  double at_least = 0;                  // percent: quota_pace is not looked at before so much of the period is gone
  std::uint32_t weeks = 4;              // of deviation
  std::optional<Active> active;         // nullopt: always
  std::vector<std::size_t> depends_on;  // places of rules in Site::alert_rules, all before this one
  std::vector<std::size_t> group;       // of members: places of their rules, all before this one
  GroupBy group_by = GroupBy::all;
  bool one_alert = false;  // for all subjects of the rule: the first fires it, the last resolves it
};

// Announced work, during which nothing fires that is about what it names; empty lists: about everything.
struct Maintenance {
  Instant from{};
  Instant to{};  // excluded
  std::vector<std::string> rules;
  std::vector<std::string> devices;
  std::vector<std::string> users;
};

}  // namespace carbongate::model

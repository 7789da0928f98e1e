// Alerts: what a rule says of its subject, change by change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/point.h"
#include "gateway/model/account.h"
#include "gateway/model/carrier.h"
#include "gateway/model/cause.h"

namespace carbongate::model {

// One rule over one subject. Dense, from 0, in the order of the configuration; valid for one run.
enum class WatchId : std::uint32_t {};
constexpr std::size_t index(WatchId id) {
  return static_cast<std::size_t>(id);
}

// Stable numbers: they are stored.
enum class Severity : std::uint8_t { info = 0, warning = 1, critical = 2 };
inline constexpr std::size_t kSeverityCount = 3;
std::string_view to_string(Severity severity);     // "info", "warning", "critical"
std::string_view to_string_zh(Severity severity);  // 提示, 警告, 严重

// What an alert has become. Stable numbers: they are stored.
enum class AlertStage : std::uint8_t {
  firing = 1,
  acknowledged = 2,  // by a person; it goes on firing
  resolved = 3,      // the condition holds no longer
  withdrawn = 4,     // it never should have fired: data that came later, or a correction, say so
};
inline constexpr std::size_t kAlertStageCount = 4;
std::string_view to_string(AlertStage stage);     // "firing", "acknowledged", "resolved", "withdrawn"
std::string_view to_string_zh(AlertStage stage);  // 触发, 已确认, 已解除, 已撤回

// Whether it fires still.
constexpr bool is_active(AlertStage stage) {
  return stage == AlertStage::firing || stage == AlertStage::acknowledged;
}

// The time that a sum is of, and how much of it the accounts had watched, all together, when it was that much.
struct SummedTime {
  Instant begin{};
  Instant end{};                              // excluded; of a period or a window that goes on: when it will be over
  std::optional<std::int64_t> coverage = {};  // hundredths of a percent, as model::coverage(); nullopt: not known
  friend bool operator==(const SummedTime&, const SummedTime&) = default;
};

// One change of one alert. Subject of its row: a watch, whose series names the rule and what it is about.
//
// `id` follows from site, rule, subject and `since`, so the same data give the same ids; id and revision name the
// change: whoever gets them twice has heard the same thing twice.
struct Alert {
  Instant at{};     // of the change, in data time; of an acknowledgement the time it was given
  Instant since{};  // when its condition began to hold
  AlertStage stage = AlertStage::firing;
  Severity severity = Severity::warning;
  std::string id;  // 16 hexadecimal digits
  std::string name;
  std::string name_zh;                                      // both of the rule, for people
  double value = std::numeric_limits<double>::quiet_NaN();  // that was held against `limit`; NaN: there is none
  double limit = std::numeric_limits<double>::quiet_NaN();  // NaN: there is none
  std::string unit;                                         // of both
  std::uint32_t revision = 0;                               // changes of this alert before it
  std::optional<Cause> cause = {};  // why what was known has changed: of one raised or withdrawn by a correction
  std::string by = {};              // who acknowledged it
  std::string note = {};            // of who acknowledged it; of a group's that fires: subjects and ids of its members
  std::uint32_t suppressed = 0;     // alerts that depend on this one, and were held back so far
  std::optional<SummedTime> of = {};  // that `value` is a sum of; nullopt: it is none

  friend bool operator==(const Alert& a, const Alert& b);
};

// Of a site: what a rule looks at. One rule has as many as it has subjects.
struct Watch {
  WatchId id{};
  std::string rule;    // its id in the configuration: "transformer-load"
  std::string device;  // "" of a user's
  std::string point;   // "" of a device's or a user's
  std::string unit;    // of the value
  std::string user;    // "" of a point's or a device's
  std::string user_name;
  const Carrier* carrier = nullptr;  // of a user's; nullptr: of all

  std::size_t rule_place = 0;            // in Site::alert_rules
  std::vector<PointId> points = {};      // the point, or those of the device
  std::vector<AccountId> accounts = {};  // of the user
  std::vector<WatchId> members = {};     // of a group: those it counts, all before this one
  std::vector<AccountId> per = {};       // of an intensity: those of the product, all of one carrier
};

// An alert's value and what it was held against as people read them: "812.5 kW", "1234567.9 kWh"; of what is counted
// (unit "1") the number alone, "" of NaN. Plain decimals of six digits or more: whatever is in front of the point and
// one behind it; as many as tell the two apart, where they differ.
struct AlertFigures {
  std::string value;
  std::string limit;
};
AlertFigures figures_text(double value, double limit, std::string_view unit);

// "incomer.power", "gateway-2", "press-shop", "press-shop/electricity"
std::string subject_name(std::string_view device, std::string_view point, std::string_view user,
                         std::string_view carrier);

// The name of an alert for ever.
std::string alert_id(std::string_view site, std::string_view rule, std::string_view subject, Instant since);

}  // namespace carbongate::model

#include "gateway/ops/alert_json.h"

#include "gateway/ops/json.h"

namespace carbongate::ops {

boost::json::object alert_json(const AlertSubject& about, const model::Alert& alert, std::string_view state) {
  return {{"id", alert.id},
          {"state", state},
          {"severity", to_string(alert.severity)},
          {"rule", about.rule},
          {"name", alert.name},
          {"name_zh", alert.name_zh},
          {"subject", about.subject},
          {"energy_user_name", about.user_name},
          {"since", optional_time(alert.since)},
          {"changed", optional_time(alert.at)},
          {"value", optional_number(alert.value)},
          {"limit", optional_number(alert.limit)},
          {"unit", alert.unit},
          {"period_begin", alert.of ? optional_time(alert.of->begin) : nullptr},
          {"period_end", alert.of ? optional_time(alert.of->end) : nullptr},
          {"coverage_percent", percent_of(alert.of ? alert.of->coverage : std::nullopt)},
          {"suppressed", alert.suppressed},
          {"cause", optional_text(alert.cause ? to_string(*alert.cause) : std::string_view())},
          {"by", alert.by},
          {"note", alert.note}};
}

}  // namespace carbongate::ops

#include "gateway/tables/alert_text.h"

#include <fmt/format.h>

#include <cmath>

namespace carbongate::tables {

std::string alert_value(const model::Alert& alert, bool zh) {
  const auto [value, limit] = model::figures_text(alert.value, alert.limit, alert.unit);
  if (std::isnan(alert.value)) {
    const bool is_silence = alert.unit == "s" && !std::isnan(alert.limit);
    if (!is_silence) return {};
    return fmt::format(fmt::runtime(zh ? "{} 秒无数据" : "nothing for {} s"),
                       model::figures_text(alert.value, alert.limit, "").limit);
  }
  if (std::isnan(alert.limit)) return value;
  const char* sign = alert.value > alert.limit ? ">" : alert.value < alert.limit ? "<" : "=";
  return fmt::format("{} {} {}", model::figures_text(alert.value, alert.limit, "").value, sign, limit);
}

std::string both(model::Severity severity) {
  return std::string(to_string(severity)) + " " + std::string(to_string_zh(severity));
}

std::string both(model::AlertStage stage) {
  return std::string(to_string(stage)) + " " + std::string(to_string_zh(stage));
}

}  // namespace carbongate::tables

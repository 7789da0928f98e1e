#include "gateway/tables/alert_text.h"

#include <fmt/format.h>

#include <cmath>

#include "gateway/model/carrier.h"
#include "gateway/model/coverage.h"

namespace carbongate::tables {

namespace {

std::string figures(const model::Alert& alert, bool zh) {
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

}  // namespace

std::string alert_value(const model::Alert& alert, bool zh) {
  std::string text = figures(alert, zh);
  if (text.empty() || !alert.of || !alert.of->coverage) return text;
  const std::string percent = model::format_fixed(*alert.of->coverage, model::kPerPercent);
  return text + fmt::format(fmt::runtime(zh ? " (覆盖率 {}%)" : " ({} % watched)"), percent);
}

std::string alert_period(const model::Alert& alert, bool zh, LocalTime& time) {
  if (!alert.of) return {};
  return fmt::format("{} {} {}", time(alert.of->begin), zh ? "至" : "to", time(alert.of->end));
}

std::string both(model::Severity severity) {
  return std::string(to_string(severity)) + " " + std::string(to_string_zh(severity));
}

std::string both(model::AlertStage stage) {
  return std::string(to_string(stage)) + " " + std::string(to_string_zh(stage));
}

}  // namespace carbongate::tables

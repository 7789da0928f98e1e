#include "gateway/tables/alert_text.h"

#include <fmt/format.h>

#include <cmath>

namespace carbongate::tables {
namespace {

std::string number(double value) {
  return fmt::format("{:.6g}", value);
}

}  // namespace

std::string alert_value(const model::Alert& alert, bool zh) {
  if (std::isnan(alert.value)) {
    const bool is_silence = alert.unit == "s" && !std::isnan(alert.limit);
    if (!is_silence) return {};
    return fmt::format(fmt::runtime(zh ? "{} 秒无数据" : "nothing for {} s"), number(alert.limit));
  }
  if (std::isnan(alert.limit)) return model::quantity_text(alert.value, alert.unit);
  const char* sign = alert.value > alert.limit ? ">" : alert.value < alert.limit ? "<" : "=";
  return fmt::format("{} {} {}", number(alert.value), sign, model::quantity_text(alert.limit, alert.unit));
}

std::string both(model::Severity severity) {
  return std::string(to_string(severity)) + " " + std::string(to_string_zh(severity));
}

std::string both(model::AlertStage stage) {
  return std::string(to_string(stage)) + " " + std::string(to_string_zh(stage));
}

}  // namespace carbongate::tables

// JSON as the API writes it.
#pragma once

#include <boost/json/value.hpp>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "drivers/api/reading.h"
#include "gateway/model/entry_name.h"

namespace carbongate::ops {

// Numbers in the shortest decimals that read back as the same; what is not finite is null.
std::string to_text(const boost::json::value& value);

inline boost::json::value optional_number(std::optional<double> value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return *value;
}
inline boost::json::value optional_time(std::optional<Instant> at) {
  if (!at || *at == Instant{}) return nullptr;
  return boost::json::string(model::format_utc(*at));
}
inline boost::json::value optional_text(std::string_view text) {
  if (text.empty()) return nullptr;
  return boost::json::string(text);
}

// Rounded to two decimals.
inline boost::json::value percent_of(double part, double whole) {
  if (!(whole > 0)) return nullptr;
  return std::round(part / whole * 10'000) / 100;
}
// Of hundredths of a percent, as model::coverage() has them.
inline boost::json::value percent_of(std::optional<std::int64_t> hundredths) {
  if (!hundredths) return nullptr;
  return static_cast<double>(*hundredths) / 100;
}

}  // namespace carbongate::ops

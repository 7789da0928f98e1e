// What drivers say of their devices, as points of these: readings like all others, so that rules, stores and replays
// know it too. Such a point is there where a rule asks for it; no device measures it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "drivers/api/point.h"

namespace carbongate::model {

enum class Health : std::uint8_t {
  connected,        // 1: the connection to the device, its line or its broker stands; else 0
  answering,        // 1: its last request was answered, or its last message understood; else 0
  failed_requests,  // percent of the requests, or messages, since the reading before that failed
  answer_age,       // seconds since its last good answer or message
};

struct HealthText {
  std::string_view point;  // its name
  std::string_view unit;
};
inline constexpr std::array kHealthTexts{HealthText{"health_connected", "1"}, HealthText{"health_answering", "1"},
                                         HealthText{"health_failed_requests", "%"},
                                         HealthText{"health_answer_age", "s"}};
constexpr const HealthText& text_of(Health what) {
  return kHealthTexts.at(static_cast<std::size_t>(what));
}

// How often each is said, beside when it changes.
inline constexpr Duration kHealthEvery = std::chrono::minutes(1);

struct HealthPoint {
  PointId point{};
  Health what = Health::answering;
};

// Whether it is one of them.
bool is_health(const std::vector<HealthPoint>& health, PointId point);

}  // namespace carbongate::model

// A time of the day, as the configuration has it.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace carbongate::config {

// "08:30" as the time since midnight; "24:00" is the end of the day. nullopt: it is none.
std::optional<std::chrono::minutes> time_of_day(std::string_view text);

}  // namespace carbongate::config

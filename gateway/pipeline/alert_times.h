// When a rule is looked at: its times of day, weekdays and dates, and announced work.
#pragma once

#include <optional>
#include <span>

#include "gateway/model/alert_rule.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::pipeline {

// Whether the rule is looked at then.
bool is_active(const std::optional<model::Active>& active, Calendar& calendar, Instant at);

// The hours that hold `at`, or the next ones: to where no others follow on them. nullopt: none within two years.
std::optional<Span> active_hours(const std::optional<model::Active>& active, Calendar& calendar, Instant at);

// Whether announced work is about what the watch looks at.
bool concerns(const model::Maintenance& work, const model::Watch& watch);

// The first instant from `at` on at which nothing of it goes on.
Instant after_work(std::span<const model::Maintenance> work, const model::Watch& watch, Instant at);

}  // namespace carbongate::pipeline

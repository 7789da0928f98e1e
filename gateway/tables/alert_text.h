// Alerts as people read them.
#pragma once

#include <string>

#include "gateway/model/alert.h"
#include "gateway/model/rows.h"
#include "gateway/tables/local_time.h"

namespace carbongate::tables {

// "812.5 > 800 kW"; of a sum "60 > 50 kWh (87.5 % watched)"; of missing data "nothing for 600 s"; "" where there is no
// value. `zh`: in Chinese.
std::string alert_value(const model::Alert& alert, bool zh);

// The time that its value is a sum of: "2026-03-01T00:00:00+08:00 to 2026-03-02T00:00:00+08:00"; "" where it is none.
std::string alert_period(const model::Alert& alert, bool zh, LocalTime& time);

// "critical 严重", "firing 触发": both languages, as the live table has them.
std::string both(model::Severity severity);
std::string both(model::AlertStage stage);

}  // namespace carbongate::tables

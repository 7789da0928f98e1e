// Alerts as people read them.
#pragma once

#include <string>

#include "gateway/model/alert.h"
#include "gateway/model/rows.h"

namespace carbongate::tables {

// "812.5 > 800 kW"; of missing data "nothing for 600 s"; "" where there is no value. `zh`: in Chinese.
std::string alert_value(const model::Alert& alert, bool zh);

// "critical 严重", "firing 触发": both languages, as the live table has them.
std::string both(model::Severity severity);
std::string both(model::AlertStage stage);

}  // namespace carbongate::tables

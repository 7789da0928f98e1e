// What Prometheus scrapes: text format 0.0.4. Names end in their base unit, counters in `_total`; labels are drivers,
// sinks, severities and states alone, so that a site of many points makes no more series than a small one.
#pragma once

#include <string>

#include "gateway/ops/facts.h"
#include "gateway/ops/live.h"
#include "gateway/ops/state_json.h"

namespace carbongate::ops {

std::string metrics_text(const Facts& facts, const State& state, const ServerFacts& server, const Live::Totals& totals);

}  // namespace carbongate::ops

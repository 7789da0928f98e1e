// What a connection can deliver: the measure by which steps, amounts and rates are judged.
#pragma once

#include <cstdint>

#include "drivers/api/point.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/movement.h"

namespace carbongate::pipeline {

struct Connection {
  std::int64_t rate_max =
      0;  // quanta per hour at most; from power_max_w or flow_max with 10 % margin, else what none delivers
  std::int64_t rate_usual = 0;  // what few deliver; rate_max if that is known
  bool known = false;           // from either
};

// A computed counter begins at 0 and was judged where its input was counted: without power_max no step of it is
// doubted.
Connection connection_of(const Point& point, const model::Carrier& carrier);

Wide over(std::int64_t rate_per_hour, Duration time);

}  // namespace carbongate::pipeline

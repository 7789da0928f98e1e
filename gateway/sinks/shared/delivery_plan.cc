#include "gateway/sinks/shared/delivery_plan.h"

namespace carbongate::sinks::shared {

bool DeliveryPlan::refused(std::optional<std::size_t> dropped) {
  const Range range = pending_.back();
  pending_.pop_back();
  if (range.size() == 1 || dropped.value_or(0) >= range.size()) return true;
  const std::size_t middle = range.begin + range.size() / 2;
  pending_.push_back({middle, range.end});
  pending_.push_back({range.begin, middle});
  return false;
}

}  // namespace carbongate::sinks::shared

#include "gateway/sinks/escalation.h"

#include <chrono>

namespace carbongate::sinks {

using namespace std::chrono_literals;

std::optional<Escalation> Escalation::from(config::Reader& in) {
  const config::Node* node = in.child("escalates");
  if (!node) return std::nullopt;
  config::Reader keys(*node, in.problems());
  Escalation escalation{.of = keys.required<std::string>("of"), .after = {}};
  escalation.after = keys.in_range<Duration>("after", 15min, 1s, 24h * 7);
  keys.finish();
  return escalation;
}

}  // namespace carbongate::sinks

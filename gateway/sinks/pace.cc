#include "gateway/sinks/pace.h"

#include <string>

#include "config/reader/text.h"

namespace carbongate::sinks {

Pace Pace::from(config::Reader& in, Order usual, bool is_fixed) {
  Pace pace{.order = usual};
  const bool has_order = in.has("order");
  const std::string order = in.value_or("order", std::string(usual == Order::journal ? "journal" : "live-first"));
  if (order == "journal") {
    pace.order = Order::journal;
  } else if (order == "live-first") {
    pace.order = Order::live_first;
  } else {
    in.error("order", "unknown order '" + config::printable(order) + "'; there are journal and live-first");
  }
  if (is_fixed && has_order && pace.order != usual) {
    in.error("order", "this sink keeps the order of the journal; leave it out");
    pace.order = usual;
  }
  pace.live_after = in.in_range<std::uint64_t>("live_after", pace.live_after, 100, 1'000'000'000);
  pace.backfill_rate = in.in_range<std::uint64_t>("backfill_rate", pace.backfill_rate, 1, 1'000'000);
  if (pace.order == Order::journal) {
    for (const char* key : {"live_after", "backfill_rate"}) {
      if (in.has(key)) in.warning(key, "has no effect in the order of the journal; write 'order: live-first'");
    }
  }
  return pace;
}

}  // namespace carbongate::sinks

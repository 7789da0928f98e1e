// In which order a sink gets the journal when it is far behind, and how fast.
//
//   order: live-first       # or journal: strictly the oldest row first
//   live_after: 20000       # rows that may wait before the newest ones go first
//   backfill_rate: 10000    # rows per second of the backlog while there is a live lane
#pragma once

#include <cstdint>

#include "config/reader/reader.h"

namespace carbongate::sinks {

enum class Order : std::uint8_t { journal, live_first };

struct Pace {
  Order order = Order::journal;
  std::uint64_t live_after = 20'000;
  std::uint64_t backfill_rate = 10'000;
  bool is_prompt =
      false;  // it is offered alerts and reports alone: they go out as they come, and wait for nothing else

  // `usual`: of this sink. `is_fixed`: it can be no other. Problems go to the reader.
  static Pace from(config::Reader& in, Order usual, bool is_fixed);
};

}  // namespace carbongate::sinks

// The readings of a store: by time, or as they lie in the journal.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gateway/store/history.h"
#include "gateway/store/history_snapshot.h"
#include "gateway/store/reading_walk.h"

namespace carbongate::store {

// What History says of readings. `snapshot` outlives it. One thread.
class ReadingHistory {
 public:
  explicit ReadingHistory(HistorySnapshot& snapshot);

  void each(const Bounds& bounds, const History::Wanted& wanted, const History::Visit& visit);
  void behind(Instant at, const History::VisitReading& visit, const History::Skip& skip);
  void in_front(Instant at, const History::VisitReading& visit);
  void after(std::uint64_t sequence, const History::VisitReading& visit);

 private:
  // The journal between two marks: sequences (after, upto].
  struct Stretch {
    std::int64_t after = 0;
    std::int64_t upto = 0;
    std::optional<Instant> oldest;  // of its readings; nullopt: not known
  };
  enum class Way : std::uint8_t { forwards, backwards };

  std::int64_t place_of(Instant at);
  std::vector<Stretch> stretches_from(std::int64_t place);
  bool page(Way way, std::int64_t after, std::int64_t upto, std::int64_t& last, const History::VisitReading& visit);
  void sort(const Bounds& bounds, const History::Wanted& wanted);

  HistorySnapshot& snapshot_;
  ReadingWalk walk_;
};

}  // namespace carbongate::store

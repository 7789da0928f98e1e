// What a store that others write to holds at one moment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include "gateway/store/block_table.h"
#include "gateway/store/database.h"
#include "gateway/store/history.h"
#include "gateway/store/record.h"
#include "gateway/store/series_table.h"

namespace carbongate::store {

struct Bounds {
  std::int64_t from_ms = INT64_MIN;
  std::int64_t to_ms = INT64_MAX;  // excluded

  Bounds() = default;
  explicit Bounds(const History::Range& range);
  bool contain(std::int64_t at_ms) const { return from_ms <= at_ms && at_ms < to_ms; }
};

// The read-only connection of a History, and what was there when it was looked at last. One thread. What throws, throws
// what guarded() catches.
class HistorySnapshot {
 public:
  explicit HistorySnapshot(const std::filesystem::path& file);

  // What there is now: later reads see the journal up to here, however much is appended meanwhile. `also` is read of
  // the same moment.
  void take(const std::function<void()>& also = [] {});

  Database& database() { return *database_; }
  BlockTable& blocks() { return blocks_; }
  RecordCodec& codec() { return codec_; }

  // Of what was taken last.
  std::int64_t last_sequence() const { return last_sequence_; }
  const SeriesTable& series() const { return *series_; }
  std::int64_t rank(std::int64_t series) const { return rank_.at(series); }  // of a series, in the order of names

  // Whether a number of a series is that of one wanted. Throws DamagedRecord where there is no such series. Valid until
  // the next take().
  std::function<bool(std::int64_t)> wanted_of(const History::Wanted& wanted) const;

 private:
  void rank_series();

  std::unique_ptr<Database> database_;
  BlockTable blocks_;
  RecordCodec codec_;
  std::optional<SeriesTable> series_;
  std::unordered_map<std::int64_t, std::int64_t> rank_;
  std::int64_t last_sequence_ = 0;
};

}  // namespace carbongate::store

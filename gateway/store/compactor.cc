#include "gateway/store/compactor.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace carbongate::store {
namespace {

constexpr const char* kCompacted = "compacted";

// Sinks read rows faster than blocks, so rows wait until every sink has them; but no longer than until so many blocks
// could be made of them, for a sink may be down for weeks.
constexpr std::int64_t kStepsWaitingMax = 4;

// A small site's rows do not wait for a full block, if what there is makes one worth its own overhead.
constexpr std::int64_t kWorthwhileShare = 16;
constexpr std::int64_t kPatienceMs = std::chrono::milliseconds(std::chrono::hours(6)).count();

// Fewer readings than this in a stretch stay rows: it holds the books of a correction, or what retention has left.
constexpr std::size_t kReadingsMin = 32;

}  // namespace

Compactor::Compactor(Database& database, BlockTable& blocks, const StoreConfig& config)
    : block_rows_(std::clamp<std::int64_t>(config.block_rows, kReadingsMin, kBlockReadingsMax)),
      blocks_(blocks),
      walk_(database, blocks, ReadingWalk::Kinds::readings),
      drop_rows_(database, "DELETE FROM journal WHERE seq > ?1 AND seq <= ?2 AND kind = 0"),
      save_(database, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)"),
      compacted_(database.integer("SELECT value FROM meta WHERE name = 'compacted'")) {}

// `from`: nothing is to be done now.
std::int64_t Compactor::end_of_step(std::int64_t from, const Situation& now) const {
  const std::int64_t settled = std::min(now.settled_by_all, now.last_sequence);
  if (settled - from >= block_rows_ || now.last_sequence - from >= kStepsWaitingMax * block_rows_) {
    return from + block_rows_;
  }
  std::int64_t waited_ms = 0;
  const bool is_late =
      now.newest_ms && compacted_at_ms_ &&
      (__builtin_sub_overflow(*now.newest_ms, *compacted_at_ms_, &waited_ms) || waited_ms > kPatienceMs);
  return is_late && settled - from >= block_rows_ / kWorthwhileShare ? settled : from;
}

// Not through the middle of a block that a commit made. One that is larger than a step is done as it is.
std::int64_t Compactor::whole_blocks(std::int64_t from, std::int64_t upto) {
  const auto block = blocks_.at_or_in_front(upto);
  if (upto == from || !block || block->last <= upto) return upto;
  return block->first - 1 > from ? block->first - 1 : block->last;
}

bool Compactor::is_one_block(std::int64_t from, std::int64_t upto, std::size_t readings) {
  const auto block = blocks_.at_or_behind(from + 1);
  return block && block->last <= upto && block->readings == readings;
}

Compactor::Outcome Compactor::step(const Situation& now) {
  const std::int64_t from = std::max(compacted_, now.swept);
  const std::int64_t upto = whole_blocks(from, end_of_step(from, now));
  if (upto == from) return {.compacted = from, .at_ms = compacted_at_ms_ ? compacted_at_ms_ : now.newest_ms};
  std::vector<BlockReading> readings;
  walk_.forwards(from, upto, [&](const ReadingWalk::Row& row) {
    readings.push_back({.sequence = row.sequence,
                        .series = row.series,
                        .at_ms = row.columns.at_ms,
                        .value = row.columns.value,
                        .quality = row.columns.quality});
    return true;
  });
  if (readings.size() >= kReadingsMin && !is_one_block(from, upto, readings.size())) {
    blocks_.drop(from, upto);
    drop_rows_.bind(1, from).bind(2, upto).run();
    blocks_.insert(readings, now.newest_ms.value_or(INT64_MIN));
  }
  save_.bind(1, std::string_view(kCompacted)).bind(2, upto).run();
  return {.compacted = upto, .at_ms = now.newest_ms};
}

void Compactor::accept(const Outcome& outcome) {
  compacted_ = outcome.compacted;
  compacted_at_ms_ = outcome.at_ms;
}

}  // namespace carbongate::store

#include "gateway/store/retention.h"

#include <algorithm>

#include "gateway/store/record.h"

namespace carbongate::store {
namespace {

// Work of one step. At least four rows are looked at for each one appended, so that the sweep always catches up; the
// least is what takes a few milliseconds.
constexpr std::int64_t kRowsPerStepMin = 4'096;
constexpr std::int64_t kRowsPerAppended = 4;
constexpr std::int64_t kPagesPerStep = 256;

// Free pages are used again by the next appends. Only what is beyond this share of the file, and not worth keeping for
// that, goes back to the file system.
constexpr std::int64_t kFreePagesWorthReturning = 4'096;
constexpr std::int64_t kFreeShareMax = 4;  // a quarter

constexpr const char* kSwept = "swept";

std::int64_t value_of(Statement& pragma) {
  Rows rows(pragma);
  return rows.next() ? pragma.integer(0) : 0;
}

std::int64_t load_swept(Database& database) {
  return database.integer("SELECT value FROM meta WHERE name = 'swept'");
}

}  // namespace

Retention::Retention(Database& database, const StoreConfig& config)
    : database_(database),
      keep_ms_(config.keep_readings.count()),
      pages_max_(static_cast<std::int64_t>(config.size_max) / database.integer("PRAGMA page_size")),
      swept_(load_swept(database)),
      page_count_(database, "PRAGMA page_count"),
      freelist_count_(database, "PRAGMA freelist_count"),
      walk_(database, "SELECT seq, kind, at, quality FROM journal WHERE seq > ?1 AND seq < ?2 ORDER BY seq LIMIT ?3"),
      drop_(database, "DELETE FROM journal WHERE seq > ?1 AND seq <= ?2 AND kind <= 1"),
      count_(database, "SELECT count(*) FROM journal WHERE seq > ?1 AND seq <= ?2 AND kind <= 1"),
      save_(database, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)") {
  static_assert(kLastPassing == RowKind::running_total && static_cast<int>(kLastPassing) == 1, "see drop_");
}

Retention::Outcome Retention::step(const Situation& now) {
  const std::int64_t budget = std::max(kRowsPerStepMin, kRowsPerAppended * now.appended);
  std::int64_t upto = sweep_old(now, budget);
  const std::int64_t pages = value_of(page_count_);
  const std::int64_t free_pages = value_of(freelist_count_);
  if (pages - free_pages > pages_max_) upto = std::max(upto, std::min(swept_ + budget, now.last_sequence - 1));
  if (free_pages > 0) give_back_pages(pages, free_pages);
  return upto > swept_ ? drop(upto, now) : Outcome{swept_, 0};
}

// The last row that is old, before the first one that is not. A rejected reading whose time is no time of this journal
// (a clock at 1970, or ahead) decides nothing: it goes when the next row that does decide goes.
std::int64_t Retention::sweep_old(const Situation& now, std::int64_t budget) {
  if (!now.newest_ms) return swept_;
  std::int64_t horizon_ms = 0;
  if (__builtin_sub_overflow(*now.newest_ms, keep_ms_, &horizon_ms)) return swept_;  // for ever
  std::int64_t upto = swept_;
  walk_.bind(1, swept_).bind(2, std::min(now.settled_by_all + 1, now.last_sequence)).bind(3, budget);
  for (Rows rows(walk_); rows.next();) {
    const std::int64_t at_ms = walk_.integer(2);
    const bool recent = at_ms >= horizon_ms;
    const bool decides = model::usable(decode_quality(walk_.integer(3))) || (recent && at_ms <= *now.newest_ms);
    if (decides && recent) break;
    if (decides) upto = walk_.integer(0);
  }
  return upto;
}

Retention::Outcome Retention::drop(std::int64_t upto, const Situation& now) {
  Outcome outcome{.swept = upto, .thinned = to_drop(now.waiting, upto)};
  for (const std::vector<Gap>& gaps : now.waiting_of) outcome.missed.push_back(to_drop(gaps, upto));
  drop_.bind(1, swept_).bind(2, upto).run();
  save_.bind(1, std::string_view(kSwept)).bind(2, upto).run();
  return outcome;
}

// How many of the rows in these gaps go now.
std::uint64_t Retention::to_drop(const std::vector<Gap>& gaps, std::int64_t upto) {
  std::uint64_t rows_there = 0;
  for (const Gap& gap : gaps) {
    const std::int64_t after = std::max(gap.after, swept_);
    const std::int64_t end = std::min(gap.upto, upto);
    if (after >= end) continue;
    Rows rows(count_.bind(1, after).bind(2, end));
    if (rows.next()) rows_there += static_cast<std::uint64_t>(count_.integer(0));
  }
  return rows_there;
}

void Retention::give_back_pages(std::int64_t pages, std::int64_t free_pages) {
  std::int64_t excess = pages - pages_max_;
  if (free_pages > kFreePagesWorthReturning && free_pages > pages / kFreeShareMax) excess = free_pages;
  excess = std::min({excess, free_pages, kPagesPerStep});
  if (excess > 0) database_.execute("PRAGMA incremental_vacuum(" + std::to_string(excess) + ")");
}

}  // namespace carbongate::store

#include "gateway/store/retention.h"

#include <algorithm>

#include "gateway/store/record.h"

namespace carbongate::store {
namespace {

// Work of one step. At least four rows are looked at for each one appended, so that the sweep always catches up; the
// least is what takes a few milliseconds.
constexpr std::int64_t kRowsPerStepMin = 4'096;
constexpr std::int64_t kRowsPerAppended = 4;
constexpr std::int64_t kRowsPerBlock = 256;  // looking at a block, and dropping it, is worth so many rows
constexpr std::int64_t kIntervalsPerStep = 512;
constexpr std::int64_t kBytesGivenBackPerStep = 1 << 20;

// Free pages are used again by the next appends. Only what is beyond this share of the file, and not worth keeping for
// that, goes back to the file system.
constexpr std::int64_t kFreeBytesWorthReturning = 16 << 20;
constexpr std::int64_t kFreeShareMax = 4;  // a quarter

// Kept free on the disk for the log, which grows before the file does: so much, or this share of a small one.
constexpr std::uint64_t kKeptFreeBytes = 64 << 20;
constexpr std::uint64_t kKeptFreeShare = 16;
constexpr std::int64_t kLeastShare = 8;

constexpr const char* kSwept = "swept";
constexpr const char* kSweptTotals = "swept_totals";

std::int64_t value_of(Statement& pragma) {
  Rows rows(pragma);
  return rows.next() ? pragma.integer(0) : 0;
}

std::int64_t load(Database& database, const char* name) {
  return database.integer(std::string("SELECT value FROM meta WHERE name = '") + name + "'");
}

std::int64_t number(RowKind kind) {
  return static_cast<std::int64_t>(kind);
}

}  // namespace

std::optional<Room> disk_room(const std::filesystem::path& directory) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(directory, error);
  if (error) return std::nullopt;
  return Room{.capacity = space.capacity, .available = space.available};
}

Retention::Retention(Database& database, BlockTable& blocks, const StoreConfig& config)
    : database_(database),
      blocks_(blocks),
      readings_{.keep_ms = config.keep_readings.count(), .swept = load(database, kSwept)},
      totals_{.keep_ms = config.keep_totals.count(), .swept = load(database, kSweptTotals)},
      keep_intervals_ms_(config.keep_intervals.count()),
      page_bytes_(database.integer("PRAGMA page_size")),
      pages_max_(static_cast<std::int64_t>(config.size_max) / page_bytes_),
      room_(config.room),
      file_(config.path / kDatabaseFile),
      page_count_(database, "PRAGMA page_count"),
      freelist_count_(database, "PRAGMA freelist_count"),
      walk_(database, "SELECT seq, at, quality FROM journal WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3"),
      drop_(database, "DELETE FROM journal WHERE seq > ?1 AND seq <= ?2 AND kind = ?3"),
      count_(database, "SELECT count(*) FROM journal WHERE seq > ?1 AND seq <= ?2 AND kind = ?3"),
      old_intervals_(database,
                     "SELECT seq FROM journal INDEXED BY journal_books WHERE kind > 1 AND kind = 2 AND at < ?1 "
                     "ORDER BY at LIMIT ?2"),
      drop_row_(database, "DELETE FROM journal WHERE seq = ?1"),
      save_(database, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)") {
  static_assert(static_cast<int>(RowKind::interval) == 2, "see old_intervals_");
}

Retention::Outcome Retention::step(const Situation& now) {
  const std::int64_t budget = std::max(kRowsPerStepMin, kRowsPerAppended * now.appended);
  const std::int64_t old = sweep_old(readings_, now, budget);
  std::int64_t readings = old;
  std::int64_t totals = totals_.keep_ms == readings_.keep_ms && totals_.swept == readings_.swept
                            ? readings
                            : sweep_old(totals_, now, budget);
  const std::int64_t pages = value_of(page_count_);
  const std::int64_t free_pages = value_of(freelist_count_);
  const std::int64_t pages_limit = limit();
  if (pages - free_pages > pages_limit) {
    readings = std::max(readings, whole_blocks(std::min(readings_.swept + budget, now.last_sequence - 1), now));
    totals = std::max(totals, readings);
  }
  if (free_pages > 0) give_back_pages(pages, free_pages, pages_limit);
  Outcome outcome = nothing();
  outcome.missed.resize(now.waiting_of.size());
  if (pages_limit < pages_max_) outcome.held_to = static_cast<std::uint64_t>(pages_limit * page_bytes_);
  if (old < readings) outcome.early = count(old, readings, RowKind::reading);
  drop_readings(readings, now, outcome);
  drop_totals(totals, now, outcome);
  if (keep_intervals_ms_ != Duration::max().count()) drop_intervals(now, outcome);
  return outcome;
}

void Retention::accept(const Outcome& outcome) {
  readings_.swept = outcome.swept;
  totals_.swept = outcome.swept_totals;
}

// In pages. What a file may become is what it is on the disk, without the pages that are only in the log, and what is
// free there.
std::int64_t Retention::limit() const {
  const auto room = room_(file_.parent_path());
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(file_, error);
  if (!room || error) return pages_max_;
  const std::uint64_t kept_free = std::min(kKeptFreeBytes, room->capacity / kKeptFreeShare);
  const std::uint64_t there_may_be = bytes + room->available - std::min(kept_free, bytes + room->available);
  const auto pages = static_cast<std::int64_t>(there_may_be / static_cast<std::uint64_t>(page_bytes_));
  return std::min(pages_max_, std::max(pages, pages_max_ / kLeastShare));
}

std::optional<std::int64_t> Retention::horizon(std::int64_t keep_ms, const Situation& now) const {
  std::int64_t horizon_ms = 0;
  if (!now.newest_ms || __builtin_sub_overflow(*now.newest_ms, keep_ms, &horizon_ms)) return std::nullopt;
  return horizon_ms;
}

// The last row that is old, before the first one that is not. A rejected reading whose time is no time of this journal
// (a clock at 1970, or ahead) decides nothing: it goes when the next row that does decide goes. However many of those
// there are, the next step goes on behind the ones that this one has looked at.
std::int64_t Retention::sweep_old(Sweep& sweep, const Situation& now, std::int64_t budget) {
  const auto horizon_ms = horizon(sweep.keep_ms, now);
  if (!horizon_ms) return sweep.swept;
  const std::int64_t end = std::min(now.settled_by_all, now.last_sequence - 1);
  if (sweep.old < sweep.swept || sweep.looked > end) sweep.old = sweep.looked = sweep.swept;
  sweep.looked = std::max(sweep.looked, sweep.old);
  auto block = blocks_.at_or_behind(sweep.looked + 1);
  const auto pass = [&](std::int64_t last, bool decides) {
    sweep.looked = std::max(sweep.looked, last);
    if (decides) sweep.old = std::max(sweep.old, last);
  };
  const auto pass_block = [&] {  // false: it stays, or is too much for this step
    if (block->last > end || block->decides_ms.value_or(INT64_MIN) >= *horizon_ms) return false;
    pass(block->last, block->decides_ms.has_value());
    block = blocks_.at_or_behind(block->last + 1);
    return (budget -= kRowsPerBlock) > 0;
  };
  walk_.bind(1, sweep.looked).bind(2, end).bind(3, budget);
  for (Rows rows(walk_); rows.next(); --budget) {
    const std::int64_t sequence = walk_.integer(0);
    while (block && block->first <= sequence) {
      if (!pass_block()) return sweep.old;
    }
    const std::int64_t at_ms = walk_.integer(1);
    const bool recent = at_ms >= *horizon_ms;
    const bool decides = model::usable(decode_quality(walk_.integer(2))) || (recent && at_ms <= *now.newest_ms);
    if (budget <= 0 || (decides && recent)) return sweep.old;
    pass(sequence, decides);
  }
  while (budget > 0 && block && pass_block()) {
  }
  return sweep.old;
}

// A block goes as a whole, or not yet.
std::int64_t Retention::whole_blocks(std::int64_t upto, const Situation& now) {
  const auto block = blocks_.at_or_in_front(upto);
  if (!block || block->last <= upto) return upto;
  return block->last < now.last_sequence ? block->last : block->first - 1;
}

std::uint64_t Retention::count(std::int64_t after, std::int64_t upto, RowKind kind) {
  Rows rows(count_.bind(1, after).bind(2, upto).bind(3, number(kind)));
  const std::uint64_t there = rows.next() ? static_cast<std::uint64_t>(count_.integer(0)) : 0;
  return kind == RowKind::reading ? there + blocks_.count(after, upto) : there;
}

// Of what goes now, (swept, upto], what sinks had not seen.
void Retention::note_missed(std::int64_t swept, std::int64_t upto, RowKind kind, const Situation& now,
                            Outcome& outcome) {
  const auto missed_in = [&](const std::vector<Gap>& gaps) {
    std::uint64_t missed = 0;
    for (const Gap& gap : gaps) {
      const std::int64_t after = std::max(gap.after, swept);
      const std::int64_t end = std::min(gap.upto, upto);
      if (after < end) missed += count(after, end, kind);
    }
    return missed;
  };
  outcome.thinned += missed_in(now.waiting);
  for (std::size_t i = 0; i < now.waiting_of.size(); ++i) outcome.missed[i] += missed_in(now.waiting_of[i]);
}

void Retention::drop_readings(std::int64_t upto, const Situation& now, Outcome& outcome) {
  const std::int64_t swept = readings_.swept;
  if (upto <= swept) return;
  note_missed(swept, upto, RowKind::reading, now, outcome);
  drop_.bind(1, swept).bind(2, upto).bind(3, number(RowKind::reading)).run();
  blocks_.drop(swept, upto);
  note_missed(swept, upto, RowKind::instant, now, outcome);
  drop_.bind(1, swept).bind(2, upto).bind(3, number(RowKind::instant)).run();
  save_.bind(1, std::string_view(kSwept)).bind(2, upto).run();
  outcome.swept = upto;
}

void Retention::drop_totals(std::int64_t upto, const Situation& now, Outcome& outcome) {
  if (upto <= totals_.swept) return;
  note_missed(totals_.swept, upto, RowKind::running_total, now, outcome);
  drop_.bind(1, totals_.swept).bind(2, upto).bind(3, number(RowKind::running_total)).run();
  save_.bind(1, std::string_view(kSweptTotals)).bind(2, upto).run();
  outcome.swept_totals = upto;
}

void Retention::drop_intervals(const Situation& now, Outcome& outcome) {
  const auto horizon_ms = horizon(keep_intervals_ms_, now);
  if (!horizon_ms) return;
  std::vector<std::int64_t> old;
  old_intervals_.bind(1, *horizon_ms).bind(2, kIntervalsPerStep);
  for (Rows rows(old_intervals_); rows.next();) {
    const std::int64_t sequence = old_intervals_.integer(0);
    if (sequence <= now.settled_by_all && sequence < now.last_sequence) old.push_back(sequence);
  }
  for (const std::int64_t sequence : old) {
    note_missed(sequence - 1, sequence, RowKind::interval, now, outcome);
    drop_row_.bind(1, sequence).run();
  }
}

void Retention::give_back_pages(std::int64_t pages, std::int64_t free_pages, std::int64_t limit) {
  std::int64_t excess = pages - limit;
  if (free_pages > kFreeBytesWorthReturning / page_bytes_ && free_pages > pages / kFreeShareMax) excess = free_pages;
  excess = std::min({excess, free_pages, kBytesGivenBackPerStep / page_bytes_});
  if (excess > 0) database_.execute("PRAGMA incremental_vacuum(" + std::to_string(excess) + ")");
}

}  // namespace carbongate::store

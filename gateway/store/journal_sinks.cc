// Of class Journal: what sinks are offered, and what they say became of it.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/store/journal.h"

namespace carbongate::store {
namespace {

// Rows that a sink may have settled since its cursor was last written: what it would see again after a crash. While
// nothing can be written there are more.
constexpr std::int64_t kUnsavedRowsMax = 10'000;

// Rows that are looked through at once for what must be sent once more.
constexpr std::int64_t kLookedThroughMax = 100'000;

}  // namespace

// What is changed with the cursors is written, or neither is.
template <class F>
void Journal::save(CursorTable::Cursor& cursor, const CursorTable::Cursor& before, F&& change) {
  try {
    cursors_.forget();
    Transaction transaction(database_);
    std::forward<F>(change)();
    cursors_.save();
    transaction.commit();
    cursors_.saved();
  } catch (...) {
    cursor = before;
    throw;
  }
}

std::vector<model::StoredRow> Journal::peek(const std::string& sink, std::size_t limit) {
  CursorTable::Cursor& cursor = cursor_of(sink);
  if (limit == 0) return {};
  std::vector<model::StoredRow> rows;
  while (rows.empty()) {
    if (cursor.is_within_ahead()) rows = peek_revisions(cursor, limit);
    if (!rows.empty() || cursor.settled >= last_sequence_) break;
    const std::int64_t end = cursor.ahead.empty() ? last_sequence_ : cursor.ahead.front().begun;
    rows = rows_between(cursor.settled, end, limit);
    if (cursor.ahead.empty()) break;
    if (rows.empty()) cursor.settled = end;  // all of it was dropped
  }
  status_.cursors = cursors_.describe();
  return rows;
}

std::vector<model::StoredRow> Journal::peek_behind(const std::string& sink, std::uint64_t after, std::size_t limit) {
  const CursorTable::Cursor& cursor = cursor_of(sink);
  if (!cursor.ahead.empty()) return {};
  return rows_between(std::max(cursor.settled, static_cast<std::int64_t>(after)), last_sequence_, limit);
}

// Passes through what is settled ahead, up to the first of these rows or to what is not settled.
std::vector<model::StoredRow> Journal::peek_revisions(CursorTable::Cursor& cursor, std::size_t limit) {
  while (cursor.is_within_ahead()) {
    const std::int64_t end = std::min(cursor.ahead.front().settled, cursor.settled + kLookedThroughMax);
    auto rows = revised_between(cursor.settled, end, limit);
    const bool are_all = rows.size() < limit;
    const auto through = are_all ? end : static_cast<std::int64_t>(rows.back().sequence);
    std::erase_if(rows, [](const model::StoredRow& row) {
      const auto* rollup = row.body.get_if<model::RollupRow>();
      return rollup != nullptr && rollup->revision == 0;
    });
    if (!rows.empty()) return rows;
    cursor.settled = through;
    cursor.join();
  }
  return {};
}

// With sequences (after, upto], the oldest `limit` of them.
std::vector<model::StoredRow> Journal::rows_between(std::int64_t after, std::int64_t upto, std::size_t limit) {
  std::vector<model::StoredRow> rows;
  if (limit == 0 || after >= upto) return rows;
  rows.reserve(std::min(limit, static_cast<std::size_t>(upto - after)));
  rows_.forwards(after, upto, [&](const ReadingWalk::Row& row) {
    rows.push_back(stored(row));
    return rows.size() < limit;
  });
  return rows;
}

std::vector<model::StoredRow> Journal::revised_between(std::int64_t after, std::int64_t upto, std::size_t limit) {
  std::vector<model::StoredRow> result;
  peek_revised_.bind(1, after).bind(2, static_cast<std::int64_t>(limit)).bind(3, upto);
  for (Rows rows(peek_revised_); rows.next();) {
    result.push_back(stored({.sequence = peek_revised_.integer(0),
                             .series = peek_revised_.integer(1),
                             .columns = {.kind = static_cast<RowKind>(peek_revised_.integer(5)),
                                         .at_ms = peek_revised_.integer(2),
                                         .value = 0,
                                         .quality = peek_revised_.integer(3),
                                         .body = peek_revised_.blob(4)}}));
  }
  return result;
}

// By an index of their own, in the order of the journal: nothing is looked at but what is found.
std::vector<model::StoredRow> Journal::alerts_behind(std::uint64_t after, std::size_t limit) {
  std::vector<model::StoredRow> found;
  alerts_behind_.bind(1, static_cast<std::int64_t>(after)).bind(2, static_cast<std::int64_t>(limit));
  for (Rows rows(alerts_behind_); rows.next();) {
    found.push_back(stored({.sequence = alerts_behind_.integer(0),
                            .series = alerts_behind_.integer(1),
                            .columns = {.kind = RowKind::alert,
                                        .at_ms = alerts_behind_.integer(2),
                                        .value = 0,
                                        .quality = alerts_behind_.integer(3),
                                        .body = alerts_behind_.blob(4)}}));
  }
  return found;
}

void Journal::open_live(const std::string& sink, std::uint64_t rows) {
  CursorTable::Cursor& cursor = cursor_of(sink);
  const std::int64_t reached = cursor.ahead.empty() ? cursor.settled : cursor.ahead.back().settled;
  const auto newest = static_cast<std::int64_t>(std::min<std::uint64_t>(rows, INT64_MAX));
  const std::int64_t begun = last_sequence_ - std::min(newest, last_sequence_);
  if (begun <= reached || cursor.ahead.size() >= ports::Store::kAheadMax) return;
  save(cursor, CursorTable::Cursor(cursor), [&] { cursor.ahead.push_back({begun, begun}); });
  status_.cursors = cursors_.describe();
}

std::vector<model::StoredRow> Journal::peek_live(const std::string& sink, std::size_t limit) {
  const CursorTable::Cursor& cursor = cursor_of(sink);
  if (cursor.ahead.empty() || cursor.ahead.back().settled >= last_sequence_) return {};
  return rows_between(cursor.ahead.back().settled, last_sequence_, limit);
}

void Journal::settle(const std::string& sink, const ports::Delivery& delivery) {
  CursorTable::Cursor& cursor = cursor_of(sink);
  const CursorTable::Cursor before = cursor;
  const bool is_live = delivery.lane == ports::Lane::live && !cursor.ahead.empty();
  const bool is_again = !is_live && cursor.is_within_ahead();  // counted when it was sent for the first time
  std::int64_t& position = is_live ? cursor.ahead.back().settled : cursor.settled;
  const std::int64_t from = position;
  std::int64_t end = last_sequence_;
  if (!is_live && !cursor.ahead.empty()) end = is_again ? cursor.ahead.front().settled : cursor.ahead.front().begun;
  position = std::clamp(static_cast<std::int64_t>(delivery.settled_through), from, end);
  const std::int64_t through = position;
  if (!is_again) count(cursor, delivery, {from, through});
  cursor.join();
  if (!delivery.rejected.empty() || !delivery.attempts.empty()) {
    save(cursor, before, [&] {
      for (const ports::RejectedRow& row : delivery.rejected) {
        if (static_cast<std::int64_t>(row.sequence) > through) continue;  // will be offered again
        if (!dead_letters_.bury(sink, row)) continue;
        ++cursor.rejected;
        if (is_again && cursor.accepted != 0) --cursor.accepted, ++cursor.refused;
      }
      if (!delivery.rejected.empty()) cursor.dropped += dead_letters_.make_room(sink);
      deliveries_.record(sink, delivery.attempts);
    });
  } else if (cursors_.unsaved_rows(sink) > kUnsavedRowsMax) {
    save_progress(Closing::no);  // where it fails the sink goes on: what it has is not sent again for that
  }
  status_.cursors = cursors_.describe();
}

// What became of the rows of this stretch.
void Journal::count(CursorTable::Cursor& cursor, const ports::Delivery& delivery, const Gap& moved) {
  const auto refused = static_cast<std::uint64_t>(std::ranges::count_if(
      delivery.rejected, [&](const auto& row) { return static_cast<std::int64_t>(row.sequence) <= moved.upto; }));
  cursor.refused += refused;
  const std::uint64_t skipped = delivery.skipped.size();
  cursor.skipped += skipped;
  if (delivery.rows != 0 && retention_->swept() > moved.after) {
    // Dropped while they were under way: they were not missed after all.
    const std::uint64_t there = rows_.count(moved.after, moved.upto);
    cursor.missed -= std::min(cursor.missed, delivery.rows - std::min(delivery.rows, there));
  }
  cursor.accepted += delivery.rows - std::min(delivery.rows, refused + skipped);
}

// A rollup comes with its newest revision, an alert with its last change, also where those were accepted: a destination
// that calls both by one name keeps what comes last, and a person believes it. With it there may be one row more than
// `limit`.
std::vector<model::StoredRow> Journal::peek_retries(const std::string& sink, std::size_t limit) {
  cursor_of(sink);  // it asks: what it has not got is kept, however long the retries take
  std::map<std::uint64_t, model::StoredRow> rows;
  bool is_full = false;
  dead_letters_.retries(sink, limit, [&](const ReadingWalk::Row& row) {
    auto newest = newest_revision(row);
    is_full = is_full || (!rows.empty() && rows.size() + (newest ? 2 : 1) > limit);
    if (is_full) return true;
    rows.try_emplace(static_cast<std::uint64_t>(row.sequence), stored(row));
    if (newest) rows.try_emplace(newest->sequence, std::move(*newest));
    return true;
  });
  std::vector<model::StoredRow> ascending;
  for (auto& [sequence, row] : rows) ascending.push_back(std::move(row));
  return ascending;
}

// Of a rollup, or of an alert: its last change, among the next few thousand of all.
std::optional<model::StoredRow> Journal::newest_revision(const ReadingWalk::Row& row) {
  if (row.columns.kind != RowKind::rollup && row.columns.kind != RowKind::alert) return std::nullopt;
  const bool is_rollup = row.columns.kind == RowKind::rollup;
  const auto body = codec_.decode_row(row.columns);
  const auto is_same = [&](const model::StoredRow& later) {
    if (is_rollup) return later.body.get<model::RollupRow>().period == body.get<model::RollupRow>().period;
    return later.body.get<model::Alert>().since == body.get<model::Alert>().since;
  };
  Statement& later_rows = is_rollup ? later_rollups_ : later_changes_;
  later_rows.bind(1, row.columns.at_ms).bind(2, row.series).bind(3, row.sequence);
  for (Rows rows(later_rows); rows.next();) {
    auto later = stored({.sequence = later_rows.integer(0),
                         .series = row.series,
                         .columns = {.kind = row.columns.kind,
                                     .at_ms = later_rows.integer(1),
                                     .value = 0,
                                     .quality = later_rows.integer(2),
                                     .body = later_rows.blob(3)}});
    if (is_same(later)) return later;
  }
  return std::nullopt;
}

void Journal::settle_retries(const std::string& sink, const ports::Retried& outcome) {
  CursorTable::Cursor& cursor = cursor_of(sink);
  save(cursor, CursorTable::Cursor(cursor), [&] {
    for (const std::uint64_t sequence : outcome.accepted) {
      if (!dead_letters_.accepted(sink, sequence)) continue;
      if (cursor.rejected != 0) --cursor.rejected;
      if (cursor.refused != 0) --cursor.refused, ++cursor.accepted;
    }
    for (const ports::RejectedRow& row : outcome.rejected) dead_letters_.refused_again(sink, row);
    deliveries_.record(sink, outcome.attempts);
  });
  status_.cursors = cursors_.describe();
}

void Journal::record(const std::string& sink, const std::vector<ports::Attempt>& attempts) {
  if (attempts.empty() && !cursors_.has_unsaved()) return;
  cursors_.forget();
  Transaction transaction(database_);
  deliveries_.record(sink, attempts);
  cursors_.save();
  transaction.commit();
  cursors_.saved();
}

}  // namespace carbongate::store

#include "gateway/store/cursor_table.h"

#include <algorithm>

#include "gateway/store/migrations.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {
namespace {

std::int64_t number(std::uint64_t count) {
  return static_cast<std::int64_t>(count);
}

ports::StoreStatus::Cursor description(const std::string& sink, const CursorTable::Cursor& cursor) {
  ports::StoreStatus::Cursor shown{.sink = sink,
                                   .settled = static_cast<std::uint64_t>(cursor.settled),
                                   .rejected = cursor.rejected,
                                   .dropped = cursor.dropped,
                                   .missed = cursor.missed};
  for (const auto& [begun, settled] : cursor.ahead) {
    shown.ahead.push_back({static_cast<std::uint64_t>(begun), static_cast<std::uint64_t>(settled)});
  }
  return shown;
}

// Of the numbers behind `after` those that a repair left out.
std::int64_t numbers_left_out(Database& database, std::int64_t after) {
  const std::string prefix = kLeftOut;
  Statement ranges(database, "SELECT CAST(substr(name, ?1) AS INTEGER), value FROM meta WHERE name GLOB ?2");
  const std::string pattern = prefix + "*";
  ranges.bind(1, static_cast<std::int64_t>(prefix.size() + 1)).bind(2, std::string_view(pattern));
  std::int64_t numbers = 0;
  for (Rows rows(ranges); rows.next();) {
    numbers += std::max<std::int64_t>(0, ranges.integer(1) - std::max(ranges.integer(0), after));
  }
  return numbers;
}

}  // namespace

void CursorTable::Cursor::join() {
  while (!ahead.empty() && settled >= ahead.front().settled) ahead.erase(ahead.begin());
}

std::vector<Gap> CursorTable::Cursor::waiting() const {
  std::vector<Gap> gaps;
  std::int64_t after = settled;
  for (const Stretch& stretch : ahead) {
    if (stretch.begun > after) gaps.push_back({after, stretch.begun});
    after = std::max(after, stretch.settled);
  }
  gaps.push_back({after, INT64_MAX});
  return gaps;
}

std::int64_t CursorTable::Cursor::settled_numbers() const {
  std::int64_t numbers = settled;
  for (const Stretch& stretch : ahead) {
    numbers += std::max<std::int64_t>(0, stretch.settled - std::max(stretch.begun, settled));
  }
  return numbers;
}

CursorTable::CursorTable(Database& database, BlockTable& blocks)
    : database_(database),
      save_(
          database,
          "INSERT OR REPLACE INTO cursor(sink, settled, rejected, dropped, begun, accepted, skipped, refused, missed, "
          "lost) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
      forget_ahead_(database, "DELETE FROM settled_ahead WHERE sink = ?1"),
      save_ahead_(database, "INSERT INTO settled_ahead(sink, begun, settled) VALUES(?1, ?2, ?3)"),
      journal_(database, blocks, ReadingWalk::Kinds::all) {}

void CursorTable::load(std::int64_t last_sequence) {
  Statement all(database_,
                "SELECT sink, settled, rejected, dropped, begun, accepted, skipped, refused, missed, lost FROM cursor");
  for (Rows rows(all); rows.next();) {
    const auto count = [&](int column) { return static_cast<std::uint64_t>(all.integer(column)); };
    const Cursor cursor{.begun = all.integer(4),
                        .settled = std::min(all.integer(1), last_sequence),
                        .accepted = count(5),
                        .skipped = count(6),
                        .refused = count(7),
                        .missed = count(8),
                        .lost = count(9),
                        .rejected = count(2),
                        .dropped = count(3)};
    cursors_[std::string(all.text(0))] = {.now = cursor, .on_disk = cursor};
  }
  // What does not fit, on a disk that lied, is sent again.
  Statement ahead(database_, "SELECT sink, begun, settled FROM settled_ahead ORDER BY sink, begun");
  for (Rows rows(ahead); rows.next();) {
    const auto known = cursors_.find(std::string(ahead.text(0)));
    if (known == cursors_.end()) continue;
    Cursor& cursor = known->second.now;
    const Cursor::Stretch stretch{ahead.integer(1), ahead.integer(2)};
    const std::int64_t from = cursor.ahead.empty() ? INT64_MIN : cursor.ahead.back().settled;
    const bool fits = from <= stretch.begun && stretch.begun <= stretch.settled && stretch.settled > cursor.settled &&
                      stretch.settled <= last_sequence;
    if (fits) cursor.ahead.push_back(stretch);
    known->second.on_disk.ahead.push_back(stretch);
  }
}

CursorTable::Cursor& CursorTable::of(const std::string& sink, std::int64_t last_sequence) {
  const auto [found, is_new] = cursors_.try_emplace(sink);
  Known& known = found->second;
  if (is_new) {
    const auto oldest = oldest_sequence(database_);
    known.now.settled = oldest ? *oldest - 1 : last_sequence;
    known.now.begun = known.now.settled + numbers_left_out(database_, known.now.settled);
    // Between the books that are kept for ever, readings were dropped long before this sink was thought of.
    known.now.missed =
        static_cast<std::uint64_t>(last_sequence - known.now.begun) - journal_.count(known.now.settled, last_sequence);
    known.is_new = true;
  }
  known.is_active = true;
  return known.now;
}

std::vector<std::vector<Gap>> CursorTable::waiting() const {
  std::vector<std::vector<Gap>> gaps;
  for (const auto& [sink, known] : cursors_) gaps.push_back(known.now.waiting());
  return gaps;
}

std::vector<Gap> CursorTable::waiting_for_any() const {
  std::vector<Gap> all;
  for (const auto& [sink, known] : cursors_) {
    if (!known.is_active) continue;
    for (const Gap& gap : known.now.waiting()) all.push_back(gap);
  }
  std::ranges::sort(all, {}, &Gap::after);
  std::vector<Gap> merged;
  for (const Gap& gap : all) {
    if (!merged.empty() && gap.after <= merged.back().upto) {
      merged.back().upto = std::max(merged.back().upto, gap.upto);
    } else {
      merged.push_back(gap);
    }
  }
  return merged;
}

std::int64_t CursorTable::settled_by_all() const {
  std::int64_t settled = INT64_MAX;
  for (const auto& [sink, known] : cursors_) {
    if (known.is_active) settled = std::min(settled, known.now.settled);
  }
  return settled;
}

void CursorTable::missed(const std::vector<std::uint64_t>& rows) {
  std::size_t i = 0;
  for (auto& [sink, known] : cursors_) {
    if (i < rows.size()) known.missed_now += rows[i++];
  }
}

void CursorTable::forget() {
  for (auto& [sink, known] : cursors_) known.missed_now = 0;
}

void CursorTable::save() {
  for (const auto& [sink, known] : cursors_) {
    const Cursor& now = known.now;
    if (now == known.on_disk && !known.is_new && known.missed_now == 0) continue;
    save_.bind(1, std::string_view(sink))
        .bind(2, now.settled)
        .bind(3, number(now.rejected))
        .bind(4, number(now.dropped));
    save_.bind(5, now.begun).bind(6, number(now.accepted)).bind(7, number(now.skipped)).bind(8, number(now.refused));
    save_.bind(9, number(now.missed + known.missed_now)).bind(10, number(now.lost)).run();
    if (now.ahead == known.on_disk.ahead) continue;
    forget_ahead_.bind(1, std::string_view(sink)).run();
    for (const Cursor::Stretch& stretch : now.ahead) {
      save_ahead_.bind(1, std::string_view(sink)).bind(2, stretch.begun).bind(3, stretch.settled).run();
    }
  }
}

void CursorTable::saved() {
  for (auto& [sink, known] : cursors_) {
    known.now.missed += known.missed_now;
    known.missed_now = 0;
    known.on_disk = known.now;
    known.is_new = false;
  }
}

std::int64_t CursorTable::unsaved_rows(const std::string& sink) const {
  const auto found = cursors_.find(sink);
  if (found == cursors_.end()) return 0;
  return found->second.now.settled_numbers() - found->second.on_disk.settled_numbers();
}

bool CursorTable::has_unsaved() const {
  return std::ranges::any_of(
      cursors_, [](const auto& known) { return known.second.is_new || known.second.now != known.second.on_disk; });
}

std::vector<ports::StoreStatus::Cursor> CursorTable::describe() const {
  std::vector<ports::StoreStatus::Cursor> cursors;
  for (const auto& [sink, known] : cursors_) {
    if (!known.is_active) continue;
    cursors.push_back(description(sink, known.now));
  }
  return cursors;
}

std::vector<ports::SinkAccount> CursorTable::audit(std::int64_t last_sequence, std::int64_t count_max) {
  std::vector<ports::SinkAccount> accounts;
  for (const auto& [sink, known] : cursors_) {
    ports::SinkAccount account{.sink = sink,
                               .is_active = known.is_active,
                               .received = static_cast<std::uint64_t>(last_sequence - known.now.begun),
                               .accepted = known.now.accepted,
                               .skipped = known.now.skipped,
                               .refused = known.now.refused,
                               .missed = known.now.missed,
                               .lost = known.now.lost,
                               .pending = {},
                               .cursor = description(sink, known.now)};
    const bool can_be_counted = last_sequence - known.now.settled_numbers() <= count_max;
    if (can_be_counted) account.pending = 0;
    for (const Gap& gap : known.now.waiting()) {
      const std::int64_t upto = std::min(gap.upto, last_sequence);
      if (can_be_counted && gap.after < upto) *account.pending += journal_.count(gap.after, upto);
      if (account.oldest || gap.after >= upto) continue;
      journal_.forwards(gap.after, upto, [&account](const ReadingWalk::Row& row) {
        account.oldest = Instant(Duration(row.columns.at_ms));
        return false;
      });
    }
    accounts.push_back(std::move(account));
  }
  return accounts;
}

std::int64_t last_sequence_of(Database& database) {
  return std::max(newest_sequence(database), database.integer("SELECT value FROM meta WHERE name = 'sequence_floor'"));
}

model::Result<std::vector<ports::SinkAccount>> audit_store(const std::filesystem::path& directory) {
  return guarded(directory, [&] {
    const auto database = open_for_reading(directory / kDatabaseFile);
    const Transaction one_moment(*database, Transaction::Kind::read);
    const std::int64_t last = last_sequence_of(*database);
    BlockTable blocks(*database);
    CursorTable cursors(*database, blocks);
    cursors.load(last);
    return cursors.audit(last, INT64_MAX);
  });
}

}  // namespace carbongate::store

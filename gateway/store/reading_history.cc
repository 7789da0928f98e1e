#include "gateway/store/reading_history.h"

#include <algorithm>
#include <utility>

namespace carbongate::store {
namespace {

constexpr std::size_t kRowsPerRead = 4'096;  // of one short transaction
constexpr std::int64_t kReadingsPerSort = 65'536;

}  // namespace

ReadingHistory::ReadingHistory(HistorySnapshot& snapshot)
    : snapshot_(snapshot), walk_(snapshot.database(), snapshot.blocks(), ReadingWalk::Kinds::readings) {}

// Sorted by time in a table of its own, as they are found: nearly all of them come in that order.
void ReadingHistory::each(const Bounds& bounds, const History::Wanted& wanted, const History::Visit& visit) {
  snapshot_.take();
  Database& database = snapshot_.database();
  database.execute(
      "DROP TABLE IF EXISTS temp.sorted;"
      "CREATE TEMP TABLE sorted(at INTEGER, rank INTEGER, seq INTEGER, series INTEGER, value REAL, quality INTEGER, "
      "PRIMARY KEY(at, rank, seq)) WITHOUT ROWID");
  sort(bounds, wanted);
  Statement sorted(database, "SELECT at, series, value, quality, seq FROM temp.sorted ORDER BY at, rank, seq");
  for (Rows rows(sorted); rows.next();) {
    const RecordColumns columns{.kind = RowKind::reading,
                                .at_ms = sorted.integer(0),
                                .value = sorted.real(2),
                                .quality = sorted.integer(3),
                                .body = {}};
    const auto sequence = static_cast<std::uint64_t>(sorted.integer(4));
    if (!visit({sequence, snapshot_.series().series(sorted.integer(1)), snapshot_.codec().decode_row(columns)})) return;
  }
}

void ReadingHistory::sort(const Bounds& bounds, const History::Wanted& wanted) {
  Database& database = snapshot_.database();
  const auto wants = snapshot_.wanted_of(wanted);
  const ReadingWalk::Skip skip = [&](const BlockTable::Block& block) {
    if (block.newest_ms < bounds.from_ms || block.oldest_ms >= bounds.to_ms) return true;
    return std::ranges::none_of(snapshot_.blocks().series(block), wants, &BlockSeries::series);
  };
  Statement insert(database, "INSERT INTO temp.sorted VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
  std::int64_t sequence = 0;
  for (bool is_more = true; is_more;) {
    std::int64_t looked_at = 0;
    Transaction one_moment(database, Transaction::Kind::read);
    is_more = !walk_.forwards(
        sequence, snapshot_.last_sequence(),
        [&](const ReadingWalk::Row& row) {
          sequence = row.sequence;
          const RecordColumns& columns = row.columns;
          if (wants(row.series) && bounds.contain(columns.at_ms)) {
            insert.bind(1, columns.at_ms).bind(2, snapshot_.rank(row.series)).bind(3, row.sequence).bind(4, row.series);
            insert.bind(5, columns.value).bind(6, columns.quality).run();
          }
          return ++looked_at < kReadingsPerSort;
        },
        skip);
    one_moment.commit();
  }
}

void ReadingHistory::behind(Instant at, const History::VisitReading& visit, const History::Skip& skip) {
  snapshot_.take();
  bool enough = false;
  const History::VisitReading looked_at = [&](const History::RawReading& reading) {
    return !(enough = !visit(reading));
  };
  for (const Stretch& stretch : stretches_from(place_of(at))) {
    if (skip && stretch.oldest && skip(*stretch.oldest)) continue;
    std::int64_t sequence = stretch.after;
    while (page(Way::forwards, sequence, stretch.upto, sequence, looked_at)) {
    }
    if (enough) return;
  }
}

void ReadingHistory::in_front(Instant at, const History::VisitReading& visit) {
  snapshot_.take();
  std::int64_t sequence = place_of(at) + 1;
  while (page(Way::backwards, 0, sequence - 1, sequence, visit)) {
  }
}

void ReadingHistory::after(std::uint64_t sequence, const History::VisitReading& visit) {
  snapshot_.take();
  auto place = static_cast<std::int64_t>(sequence);
  while (page(Way::forwards, place, snapshot_.last_sequence(), place, visit)) {
  }
}

// Up to this sequence every usable reading is older than `at`.
std::int64_t ReadingHistory::place_of(Instant at) {
  Statement mark(snapshot_.database(), "SELECT seq FROM reading_mark WHERE newest < ?1 ORDER BY seq DESC LIMIT 1");
  mark.bind(1, at.time_since_epoch().count());
  Rows rows(mark);
  return rows.next() ? mark.integer(0) : 0;
}

std::vector<ReadingHistory::Stretch> ReadingHistory::stretches_from(std::int64_t place) {
  const std::int64_t last = snapshot_.last_sequence();
  std::vector<Stretch> stretches{{.after = place, .upto = last, .oldest = {}}};
  Statement marks(snapshot_.database(),
                  "SELECT seq, oldest FROM reading_mark WHERE seq >= ?1 AND seq < ?2 ORDER BY seq");
  marks.bind(1, place).bind(2, last);
  for (Rows rows(marks); rows.next();) {
    if (marks.integer(0) != place) {
      stretches.back().upto = marks.integer(0);
      stretches.push_back({.after = marks.integer(0), .upto = last, .oldest = {}});
    }
    if (!marks.is_null(1)) stretches.back().oldest = Instant(Duration(marks.integer(1)));
  }
  // The last one is written to while it is read.
  stretches.back().oldest.reset();
  return stretches;
}

// One short transaction. False: nothing is left, or the visitor has enough. `last`: the sequence looked at last.
bool ReadingHistory::page(Way way, std::int64_t after, std::int64_t upto, std::int64_t& last,
                          const History::VisitReading& visit) {
  std::vector<std::pair<std::int64_t, History::RawReading>> found;
  const ReadingWalk::Visit find = [&](const ReadingWalk::Row& row) {
    last = row.sequence;
    found.push_back({row.series,
                     {.sequence = static_cast<std::uint64_t>(last),
                      .series = nullptr,
                      .at = Instant(Duration(row.columns.at_ms)),
                      .value = row.columns.value,
                      .quality = decode_quality(row.columns.quality)}});
    return found.size() < kRowsPerRead;
  };
  {
    const Transaction one_moment(snapshot_.database(), Transaction::Kind::read);
    way == Way::forwards ? walk_.forwards(after, upto, find) : walk_.backwards(after, upto, find);
  }
  for (auto& [series, reading] : found) {
    reading.series = snapshot_.series().series(series).get();
    if (!visit(reading)) return false;
  }
  return !found.empty();
}

}  // namespace carbongate::store

#include "gateway/store/dead_letter_table.h"

namespace carbongate::store {

DeadLetterTable::DeadLetterTable(Database& database, ReadingWalk& journal)
    : database_(database),
      journal_(journal),
      bury_(database,
            "INSERT OR IGNORE INTO dead_letter(sink, seq, at, reason) "
            "VALUES(?1, ?2, ?3, ?4)"),
      make_room_(database,
                 "DELETE FROM dead_letter WHERE sink = ?1 AND seq <= (SELECT seq FROM dead_letter "
                 "WHERE sink = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)"),
      accepted_(database, "DELETE FROM dead_letter WHERE sink = ?1 AND seq = ?2"),
      refused_(database, "UPDATE dead_letter SET retry = 0, reason = ?3 WHERE sink = ?1 AND seq = ?2"),
      retries_(database, "SELECT seq FROM dead_letter WHERE sink = ?1 AND retry = 1 ORDER BY seq") {}

bool DeadLetterTable::bury(const std::string& sink, const ports::RejectedRow& row) {
  std::int64_t at_ms = 0;  // of a row that is not there any more
  journal_.find(static_cast<std::int64_t>(row.sequence), [&](const ReadingWalk::Row& found) {
    at_ms = found.columns.at_ms;
    return true;
  });
  bury_.bind(1, std::string_view(sink)).bind(2, static_cast<std::int64_t>(row.sequence)).bind(3, at_ms);
  bury_.bind(4, std::string_view(row.reason)).run();
  return changes() != 0;
}

std::uint64_t DeadLetterTable::make_room(const std::string& sink) {
  make_room_.bind(1, std::string_view(sink)).bind(2, kLettersMax).run();
  return changes();
}

bool DeadLetterTable::accepted(const std::string& sink, std::uint64_t sequence) {
  accepted_.bind(1, std::string_view(sink)).bind(2, static_cast<std::int64_t>(sequence)).run();
  return changes() != 0;
}

void DeadLetterTable::refused_again(const std::string& sink, const ports::RejectedRow& row) {
  refused_.bind(1, std::string_view(sink)).bind(2, static_cast<std::int64_t>(row.sequence));
  refused_.bind(3, std::string_view(row.reason)).run();
}

void DeadLetterTable::retries(const std::string& sink, std::size_t limit, const ReadingWalk::Visit& visit) {
  retries_.bind(1, std::string_view(sink));
  std::size_t found = 0;
  for (Rows rows(retries_); found < limit && rows.next();) {
    if (journal_.find(retries_.integer(0), visit)) ++found;
  }
}

}  // namespace carbongate::store

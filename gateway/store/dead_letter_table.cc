#include "gateway/store/dead_letter_table.h"

namespace carbongate::store {

DeadLetterTable::DeadLetterTable(Database& database)
    : database_(database),
      bury_(database,
            "INSERT OR IGNORE INTO dead_letter(sink, seq, at, reason) "
            "VALUES(?1, ?2, coalesce((SELECT at FROM journal WHERE seq = ?2), 0), ?3)"),
      make_room_(database,
                 "DELETE FROM dead_letter WHERE sink = ?1 AND seq <= (SELECT seq FROM dead_letter "
                 "WHERE sink = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)"),
      accepted_(database, "DELETE FROM dead_letter WHERE sink = ?1 AND seq = ?2"),
      refused_(database, "UPDATE dead_letter SET retry = 0, reason = ?3 WHERE sink = ?1 AND seq = ?2"),
      retries_(database,
               "SELECT j.seq, j.kind, j.series, j.at, j.value, j.quality, j.body FROM dead_letter d "
               "JOIN journal j ON j.seq = d.seq WHERE d.sink = ?1 AND d.retry = 1 ORDER BY d.seq LIMIT ?2") {}

bool DeadLetterTable::bury(const std::string& sink, const ports::RejectedRow& row) {
  bury_.bind(1, std::string_view(sink)).bind(2, static_cast<std::int64_t>(row.sequence));
  bury_.bind(3, std::string_view(row.reason)).run();
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

Statement& DeadLetterTable::retries(const std::string& sink, std::size_t limit) {
  retries_.bind(1, std::string_view(sink)).bind(2, static_cast<std::int64_t>(limit));
  return retries_;
}

}  // namespace carbongate::store

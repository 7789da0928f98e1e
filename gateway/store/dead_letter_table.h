// The dead-letter list, as the running store keeps it: rows go in when a sink refuses them, and out when it takes them.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/ports/sink.h"
#include "gateway/store/database.h"
#include "gateway/store/reading_walk.h"

namespace carbongate::store {

// Throws SqliteError. Every call but retries() within a transaction. One thread.
class DeadLetterTable {
 public:
  // Per sink. The oldest make room, and are counted.
  static constexpr std::int64_t kLettersMax = 100'000;

  DeadLetterTable(Database& database, ReadingWalk& journal);

  bool bury(const std::string& sink, const ports::RejectedRow& row);  // false: it is there already
  std::uint64_t make_room(const std::string& sink);                   // how many were dropped

  bool accepted(const std::string& sink, std::uint64_t sequence);  // false: it was not there
  void refused_again(const std::string& sink, const ports::RejectedRow& row);

  // Visits the oldest rows that are to be offered again, as far as the journal has them.
  void retries(const std::string& sink, std::size_t limit, const ReadingWalk::Visit& visit);

 private:
  std::uint64_t changes() const { return static_cast<std::uint64_t>(database_.changes()); }

  Database& database_;
  ReadingWalk& journal_;
  Statement bury_;
  Statement make_room_;
  Statement accepted_;
  Statement refused_;
  Statement retries_;
};

}  // namespace carbongate::store

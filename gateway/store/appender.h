// Appends rows to the journal, readings many at a time.
#pragma once

#include <array>
#include <cstdint>

#include "gateway/store/database.h"
#include "gateway/store/record.h"

namespace carbongate::store {

// A statement costs SQLite more than the row it inserts, so readings that follow each other are inserted by one
// statement of kReadingsPerStatement rows: that doubles what the store takes per second. One thread; within a
// transaction.
class Appender {
 public:
  explicit Appender(Database& database);

  void append(std::int64_t sequence, std::int64_t series, const RecordColumns& columns);
  void flush();                          // what still waits; before the transaction is committed
  void forget() { waiting_count_ = 0; }  // before the first row of a transaction: one that failed may have left some

 private:
  static constexpr std::size_t kReadingsPerStatement = 32;

  struct Reading {
    std::int64_t sequence;
    std::int64_t series;
    std::int64_t at_ms;
    double value;
    std::int64_t quality;
  };

  static void bind(Statement& statement, int before, const Reading& reading);  // to the parameters after `before`

  Statement insert_readings_;
  Statement insert_reading_;
  Statement insert_record_;
  std::array<Reading, kReadingsPerStatement> waiting_{};
  std::size_t waiting_count_ = 0;
};

}  // namespace carbongate::store

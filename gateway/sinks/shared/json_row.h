// A row as one JSON object, for sinks that send messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/model/rows.h"
#include "gateway/tables/local_time.h"

namespace carbongate::sinks::shared {

// "0123456789abcdef-42", store and sequence: by which others know a row, for ever.
inline std::string row_key(std::string_view store, std::uint64_t sequence) {
  return std::string(store) + "-" + std::to_string(sequence);
}

// The columns of `carbongate export --format jsonl`, then
//   kind   readings, intervals, entries, rollups, totals, alerts or reports
//   site
//   key    row_key(): a message that comes again has the same; nothing else has it
// and, of what is told in place of another sink, `escalated_from`: that one's name.
//
// Not thread-safe.
class JsonRow {
 public:
  // `store`: the store's id. `escalated_from`: "" if it stands in for none.
  JsonRow(const std::string& time_zone, std::string store, std::string escalated_from = {})
      : time_(time_zone), store_(std::move(store)), escalated_from_(std::move(escalated_from)) {}

  // False: it cannot be written; `text` says why.
  bool write(const model::StoredRow& row, std::string& text);

 private:
  tables::LocalTime time_;
  std::string store_;
  std::string escalated_from_;
};

}  // namespace carbongate::sinks::shared

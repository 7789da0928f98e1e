// Whether rows of a store that may be damaged are what this program writes.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gateway/store/block_table.h"
#include "gateway/store/record.h"
#include "gateway/store/state_log.h"
#include "gateway/store/table_walk.h"

namespace carbongate::store {

// Tables in the order of tables_of_the_schema(): rows are judged by those that were read before.
class RowJudge {
 public:
  // `columns`: as columns_of() gives them.
  bool accepts(const TableShape& table, const std::vector<std::string>& columns, const Statement& row);

 private:
  bool is_readable(std::string_view table, const std::vector<std::string>& columns, const Statement& row);
  bool is_block(const std::vector<std::string>& columns, const Statement& row);

  RecordCodec codec_;
  BlockCodec blocks_;
  StateRecords states_;
  std::map<std::int64_t, std::int64_t> kinds_;  // of subjects
  std::set<std::int64_t> series_;
};

}  // namespace carbongate::store

// What a row that people are told of is about, in a few words.
#pragma once

#include <optional>
#include <string>

#include "gateway/model/rows.h"

namespace carbongate::tables {

struct RowAbout {
  std::string kind = {};  // "alert", "report", "data"; "" of any other row
  std::optional<Instant> at = {};
  std::string what = {};  // "transformer-load incomer.power firing"
};

RowAbout row_about(const model::StoredRow& row, bool zh = false);

}  // namespace carbongate::tables

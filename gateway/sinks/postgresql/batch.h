// Rows of the journal as one transaction: statements, and the data for their COPYs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/model/rows.h"

namespace carbongate::sinks::postgresql {

enum class Fate : std::uint8_t {
  sent,
  nothing,  // a reading of an instant that was already counted: its first one is there
  refused,  // the schema cannot carry it
};

// `reason` says why a row is refused.
Fate fate_of(const model::StoredRow& row, std::string& reason);

struct Batch {
  std::string sql;                  // "BEGIN; COPY ...; INSERT ...; COMMIT"
  std::vector<std::string> copies;  // one per COPY, in order
};

// Of rows that are all to be sent, in the order of the journal. The same rows give the same bytes.
Batch make_batch(std::span<const model::StoredRow* const> rows, std::string_view schema);

}  // namespace carbongate::sinks::postgresql

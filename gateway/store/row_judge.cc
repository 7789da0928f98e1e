#include "gateway/store/row_judge.h"

#include <algorithm>
#include <string_view>

#include "gateway/ledger/chain.h"
#include "gateway/ledger/seal.h"
#include "gateway/store/migrations.h"

namespace carbongate::store {
namespace {

int column(const std::vector<std::string>& columns, std::string_view name) {
  return static_cast<int>(std::ranges::find(columns, name) - columns.begin());
}

}  // namespace

bool RowJudge::accepts(const TableShape& table, const std::vector<std::string>& columns, const Statement& row) {
  try {
    return is_readable(table.name, columns, row);
  } catch (const DamagedRecord&) {
    return false;
  }
}

bool RowJudge::is_readable(std::string_view table, const std::vector<std::string>& columns, const Statement& row) {
  const auto integer = [&](std::string_view name) { return row.integer(column(columns, name)); };
  const auto blob = [&](std::string_view name) { return row.blob(column(columns, name)); };
  if (table == "subject") {
    kinds_[integer("id")] = integer("kind");
  } else if (table == "series") {
    if (!kinds_.contains(integer("subject"))) return false;
    series_.insert(integer("id"));
  } else if (table == "journal") {
    if (!series_.contains(integer("series"))) return false;
    const std::int64_t kind = integer("kind");
    if (kind < 0 || kind > static_cast<std::int64_t>(RowKind::instant)) return false;
    codec_.decode_row({.kind = static_cast<RowKind>(kind),
                       .at_ms = integer("at"),
                       .value = row.real(column(columns, "value")),
                       .quality = integer("quality"),
                       .body = blob("body")});
  } else if (table == "reading_block") {
    return is_block(columns, row);
  } else if (table == "checkpoint") {
    const auto kind = kinds_.find(integer("subject"));
    if (kind == kinds_.end()) return false;
    if (kind->second == 0) {
      codec_.decode_point(blob("state"));
    } else if (kind->second == 2) {
      codec_.decode_alert(blob("state"));
    } else if (kind->second == 3) {
      codec_.decode_station(blob("state"));
    } else {
      codec_.decode_account(blob("state"));
    }
  } else if (table == "state_log") {
    states_.check(blob("body"));
    return integer("number") > 0;
  } else if (table == "ledger") {
    return integer("number") > 0 && blob("hash").size() == ledger::Hash().size();
  } else if (table == "seal") {
    return ledger::parse_seal(row.text(column(columns, "line"))).has_value();
  }
  return true;
}

bool RowJudge::is_block(const std::vector<std::string>& columns, const Statement& row) {
  const auto integer = [&](std::string_view name) { return row.integer(column(columns, name)); };
  const auto blob = [&](std::string_view name) { return row.blob(column(columns, name)); };
  const auto readings = blocks_.decode(blob("directory"), blob("body"), integer("first_seq"));
  return readings.back().sequence == integer("last_seq") &&
         static_cast<std::int64_t>(readings.size()) == integer("readings") &&
         std::ranges::all_of(readings, [this](const BlockReading& reading) {
           decode_quality(reading.quality);
           return series_.contains(reading.series);
         });
}

}  // namespace carbongate::store

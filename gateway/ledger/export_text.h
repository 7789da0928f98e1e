// A ledger as text that proves itself: `carbongate export --what ledger` writes it, `carbongate verify` reads it.
//
// CSV: a header line, then the rows in the order of row.h. Empty cells where a row has no such column.
//
//   row          anchor, entry or seal
//   number       of the entry or the seal; of an anchor, that of the entry before the first one
//   format ... part_of
//                the fields of an entry, as they stand in its canonical line (canonical.h): joined by tabs, as many as
//                its format has are the line, and the last ones are empty where it has them not. Of a seal: only site
//   hash         of the entry; of a seal, its head; of an anchor, hash[number]
//   first, last, sealed_at, key, next_key, signature
//                of a seal (seal.h)
//
// JSON lines: one object a row, all values strings: {"anchor": {number, hash}}, {"entry": {number, the fields that its
// format has, hash}}, {"seal": {number, site, first, last, head, sealed_at, key, next_key, signature}}.
//
// CSV from before format 2 has no columns gwp_set and market_gwp_set, from before format 3 no part_of; it is read like
// any other.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/ledger/row.h"

namespace carbongate::ledger {

enum class TextFormat { csv, jsonl };

std::string header(TextFormat format);  // with its line end; empty for JSON lines
std::string to_text(const Row& row,
                    TextFormat format);  // with its line end; empty for rows that are not of a good ledger

// Line by line. What cannot be read comes as DamagedRow, so that the rest can still be checked.
class TextReader {
 public:
  // nullopt: the line holds no row (the header, an empty one).
  std::optional<Row> read(std::string_view line);

  bool is_ledger() const { return format_.has_value(); }  // by its first line

 private:
  std::optional<TextFormat> format_;
  std::size_t fields_ = 0;  // of an entry, that a row of CSV has columns for
  std::size_t lines_ = 0;
};

}  // namespace carbongate::ledger

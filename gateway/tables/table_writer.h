// Rows of cells as CSV or JSON lines.
#pragma once

#include <cstddef>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

namespace carbongate::tables {

// CSV: a header line, cells quoted where RFC 4180 section 2 asks for it, lines ended by a line feed alone as everywhere
// on these machines. JSON lines: one object a row, members in the order of the columns; an empty number is null.
//
// Buffers; what was written is in the stream after flush().
class TableWriter {
 public:
  enum class Format { csv, jsonl };
  enum class Type { text, number };
  struct Column {
    std::string_view name;
    Type type = Type::text;
  };

  enum class Header { present, absent };  // of CSV

  // `columns` and `out` outlive the writer.
  TableWriter(std::ostream& out, Format format, std::span<const Column> columns, Header header = Header::present);

  // Cell by cell, in the order of the columns; the last one ends the row. Numbers come as text, so that decimals stay
  // exact.
  TableWriter& cell(std::string_view text);

  bool flush();  // false: the stream refuses
  bool good() const { return out_.good(); }

 private:
  void csv(std::string_view text);
  void json(std::string_view text, const Column& column);

  std::ostream& out_;
  Format format_;
  std::span<const Column> columns_;
  std::size_t next_ = 0;
  std::string buffer_;
};

}  // namespace carbongate::tables

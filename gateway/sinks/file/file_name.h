// What files are called.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/tables/row_cells.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::sinks::file {

// "entries-2026-11-28-000000012345.csv", and with ".part" behind it while it is being written: rows of one kind, begun
// on that day of the site, which follow in the journal behind row 12345. So the names of one kind ascend as their rows
// do, and none is used twice.
struct FileName {
  tables::Kind kind{};
  std::string day;          // "2026-11-28"
  std::uint64_t after = 0;  // sequence
  tables::TableWriter::Format format{};
  bool is_complete = false;

  std::string text() const;

  // nullopt: not one of ours.
  static std::optional<FileName> parse(std::string_view text);

  friend auto operator<=>(const FileName&, const FileName&) = default;
};

}  // namespace carbongate::sinks::file

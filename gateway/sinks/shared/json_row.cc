#include "gateway/sinks/shared/json_row.h"

#include <array>
#include <sstream>
#include <vector>

#include "gateway/tables/row_cells.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::sinks::shared {
namespace {

const std::vector<tables::TableWriter::Column>& message_columns(tables::Kind kind) {
  static const auto kAll = [] {
    std::array<std::vector<tables::TableWriter::Column>, tables::kKinds.size()> all;
    for (const tables::Kind each : tables::kKinds) {
      const auto columns = tables::columns_of(each);
      auto& ours = all.at(static_cast<std::size_t>(each));
      ours.assign(columns.begin(), columns.end());
      for (const char* more : {"kind", "site", "key"}) ours.push_back({more});
    }
    return all;
  }();
  return kAll.at(static_cast<std::size_t>(kind));
}

}  // namespace

bool JsonRow::write(const model::StoredRow& row, std::string& text) {
  if (!tables::knows_carrier(row)) {
    text = "amounts of '" + row.series->carrier + "', which this program does not know";
    return false;
  }
  const tables::Kind kind = tables::kind_of(row.body);
  std::ostringstream line;
  tables::TableWriter writer(line, tables::TableWriter::Format::jsonl, message_columns(kind));
  tables::RowCells(writer, time_).write(row);
  writer.cell(tables::name_of(kind)).cell(row.series->site).cell(row_key(store_, row.sequence));
  writer.flush();
  text = line.str();
  text.pop_back();  // the line feed
  return true;
}

}  // namespace carbongate::sinks::shared

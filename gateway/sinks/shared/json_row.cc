#include "gateway/sinks/shared/json_row.h"

#include <array>
#include <initializer_list>
#include <sstream>
#include <vector>

#include "gateway/tables/row_cells.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::sinks::shared {
namespace {

using Columns = std::vector<tables::TableWriter::Column>;
using ColumnsOfKinds = std::array<Columns, tables::kKinds.size()>;

ColumnsOfKinds columns_and(std::initializer_list<const char*> more) {
  ColumnsOfKinds all;
  for (const tables::Kind each : tables::kKinds) {
    const auto columns = tables::columns_of(each);
    Columns& ours = all.at(static_cast<std::size_t>(each));
    ours.assign(columns.begin(), columns.end());
    for (const char* name : more) ours.push_back({name});
  }
  return all;
}

const Columns& message_columns(tables::Kind kind, bool is_escalated) {
  static const ColumnsOfKinds kAll = columns_and({"kind", "site", "key"});
  static const ColumnsOfKinds kEscalated = columns_and({"kind", "site", "key", "escalated_from"});
  return (is_escalated ? kEscalated : kAll).at(static_cast<std::size_t>(kind));
}

}  // namespace

bool JsonRow::write(const model::StoredRow& row, std::string& text) {
  if (!tables::knows_carrier(row)) {
    text = "amounts of '" + row.series->carrier + "', which this program does not know";
    return false;
  }
  const tables::Kind kind = tables::kind_of(row.body);
  std::ostringstream line;
  const bool is_escalated = !escalated_from_.empty();
  tables::TableWriter writer(line, tables::TableWriter::Format::jsonl, message_columns(kind, is_escalated));
  tables::RowCells(writer, time_).write(row);
  writer.cell(tables::name_of(kind)).cell(row.series->site).cell(row_key(store_, row.sequence));
  if (is_escalated) writer.cell(escalated_from_);
  writer.flush();
  text = line.str();
  text.pop_back();  // the line feed
  return true;
}

}  // namespace carbongate::sinks::shared

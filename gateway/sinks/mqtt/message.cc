#include "gateway/sinks/mqtt/message.h"

#include <array>
#include <sstream>
#include <vector>

#include "gateway/tables/row_cells.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::sinks::mqtt {
namespace {

constexpr std::size_t kTopicBytesMax = 65'535;  // of the protocol

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

Instant time_of(const model::RowBody& body) {
  return body.visit([](const auto& row) {
    if constexpr (requires { row.at; })
      return row.at;
    else
      return row.begin;
  });
}

}  // namespace

std::optional<carbongate::mqtt::Outgoing> MessageWriter::write(const model::StoredRow& row, std::string& why_not) {
  if (!tables::knows_carrier(row)) {
    why_not = "amounts of '" + row.series->carrier + "', which this program does not know";
    return std::nullopt;
  }
  carbongate::mqtt::Outgoing message;
  message.topic = config_.topic.topic_of(row);
  if (message.topic.size() > kTopicBytesMax) {
    why_not = "its topic is longer than a topic may be";
    return std::nullopt;
  }
  const tables::Kind kind = tables::kind_of(row.body);
  std::ostringstream text;
  tables::TableWriter writer(text, tables::TableWriter::Format::jsonl, message_columns(kind));
  tables::RowCells(writer, time_).write(row);
  writer.cell(tables::name_of(kind)).cell(row.series->site).cell(store_ + "-" + std::to_string(row.sequence));
  writer.flush();
  message.payload = text.str();
  message.payload.pop_back();  // the line feed
  message.retained = config_.retain && is_newest(message.topic, row);
  return message;
}

// A late row does not take the place of a newer one.
bool MessageWriter::is_newest(const std::string& topic, const model::StoredRow& row) {
  const Instant at = time_of(row.body);
  const auto [known, is_first] = newest_.try_emplace(topic, at);
  if (!is_first && at < known->second) return false;
  known->second = at;
  return true;
}

}  // namespace carbongate::sinks::mqtt

#include "gateway/store/appender.h"

#include <string>

namespace carbongate::store {
namespace {

constexpr int kColumnsOfReading = 5;

std::string insert_readings(std::size_t rows) {
  std::string sql = "INSERT INTO journal(seq, kind, series, at, value, quality) VALUES";
  for (std::size_t i = 0; i < rows; ++i) sql += i == 0 ? "(?, 0, ?, ?, ?, ?)" : ",(?, 0, ?, ?, ?, ?)";
  return sql;
}

}  // namespace

Appender::Appender(Database& database)
    : insert_readings_(database, insert_readings(kReadingsPerStatement)),
      insert_reading_(database, insert_readings(1)),
      insert_record_(database,
                     "INSERT INTO journal(seq, kind, series, at, quality, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6)") {}

void Appender::append(std::int64_t sequence, std::int64_t series, const RecordColumns& columns) {
  if (columns.kind == RowKind::reading && columns.body.empty()) {
    waiting_[waiting_count_++] = {sequence, series, columns.at_ms, columns.value, columns.quality};
    if (waiting_count_ == kReadingsPerStatement) flush();
    return;
  }
  flush();  // SQLite is quickest when every row comes after the last one
  insert_record_.bind(1, sequence).bind(2, static_cast<std::int64_t>(columns.kind)).bind(3, series);
  insert_record_.bind(4, columns.at_ms).bind(5, columns.quality).bind_blob(6, columns.body).run();
}

void Appender::flush() {
  const std::size_t count = waiting_count_;
  waiting_count_ = 0;
  if (count == kReadingsPerStatement) {
    for (std::size_t i = 0; i < count; ++i)
      bind(insert_readings_, static_cast<int>(i) * kColumnsOfReading, waiting_[i]);
    insert_readings_.run();
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    bind(insert_reading_, 0, waiting_[i]);
    insert_reading_.run();
  }
}

void Appender::bind(Statement& statement, int before, const Reading& reading) {
  statement.bind(before + 1, reading.sequence).bind(before + 2, reading.series).bind(before + 3, reading.at_ms);
  statement.bind(before + 4, reading.value).bind(before + 5, reading.quality);
}

}  // namespace carbongate::store

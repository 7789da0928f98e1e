#include "gateway/store/block_table.h"

#include <algorithm>
#include <string>
#include <utility>

#include "gateway/store/record.h"

namespace carbongate::store {
namespace {

constexpr const char* kColumns = "SELECT first_seq, last_seq, readings, oldest, newest, decides FROM reading_block ";

std::string select(const char* where) {
  return std::string(kColumns) + where;
}

}  // namespace

BlockTable::BlockTable(Database& database)
    : find_in_front_(database, select("WHERE first_seq <= ?1 ORDER BY first_seq DESC LIMIT 1")),
      find_behind_(database, select("WHERE first_seq > ?1 ORDER BY first_seq LIMIT 1")),
      count_whole_(database,
                   "SELECT ifnull(sum(readings), 0) FROM reading_block WHERE first_seq > ?1 AND first_seq < ?2"),
      body_(database, "SELECT directory, body FROM reading_block WHERE first_seq = ?1"),
      directory_(database, "SELECT directory FROM reading_block WHERE first_seq = ?1"),
      insert_(database,
              "INSERT INTO reading_block(first_seq, last_seq, readings, oldest, newest, decides, directory, body) "
              "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
      drop_(database, "DELETE FROM reading_block WHERE first_seq > ?1 AND last_seq <= ?2 AND first_seq <= ?2") {}

BlockTable::Block BlockTable::block_in(const Statement& row) const {
  Block block{.first = row.integer(0),
              .last = row.integer(1),
              .readings = static_cast<std::uint64_t>(row.integer(2)),
              .oldest_ms = row.integer(3),
              .newest_ms = row.integer(4),
              .decides_ms = {}};
  if (!row.is_null(5)) block.decides_ms = row.integer(5);
  if (block.last < block.first) throw DamagedRecord("a block of readings ends before it begins");
  return block;
}

std::optional<BlockTable::Block> BlockTable::at_or_behind(std::int64_t sequence) {
  if (const auto block = at_or_in_front(sequence); block && block->last >= sequence) return block;
  Rows rows(find_behind_.bind(1, sequence));
  return rows.next() ? std::optional(block_in(find_behind_)) : std::nullopt;
}

std::optional<BlockTable::Block> BlockTable::at_or_in_front(std::int64_t sequence) {
  Rows rows(find_in_front_.bind(1, sequence));
  return rows.next() ? std::optional(block_in(find_in_front_)) : std::nullopt;
}

std::shared_ptr<const BlockTable::Readings> BlockTable::readings(const Block& block) {
  for (auto& known : decoded_) {
    if (!known || known->front().sequence != block.first || known->back().sequence != block.last) continue;
    std::swap(known, decoded_.front());
    return decoded_.front();
  }
  Rows rows(body_.bind(1, block.first));
  if (!rows.next()) throw DamagedRecord("a block of readings is not there");
  auto readings = std::make_shared<const Readings>(codec_.decode(body_.blob(0), body_.blob(1), block.first));
  if (readings->size() != block.readings || readings->back().sequence != block.last) {
    throw DamagedRecord("a block of readings is that of other numbers");
  }
  decoded_ = {readings, std::move(decoded_.front())};
  return readings;
}

void BlockTable::forget() {
  decoded_ = {};
}

std::vector<BlockSeries> BlockTable::series(const Block& block) {
  Rows rows(directory_.bind(1, block.first));
  if (!rows.next()) throw DamagedRecord("a block of readings is not there");
  return decode_directory(directory_.blob(0));
}

std::optional<BlockReading> BlockTable::find(std::int64_t sequence) {
  const auto block = at_or_in_front(sequence);
  if (!block || block->last < sequence) return std::nullopt;
  const auto all = readings(*block);
  const auto found = std::ranges::lower_bound(*all, sequence, {}, &BlockReading::sequence);
  if (found == all->end() || found->sequence != sequence) return std::nullopt;
  return *found;
}

std::uint64_t BlockTable::count(std::int64_t after, std::int64_t upto) {
  if (upto <= after) return 0;
  const auto part = [&](const Block& block) {
    if (after < block.first && block.last <= upto) return block.readings;
    const auto all = readings(block);
    const auto begin = std::ranges::upper_bound(*all, after, {}, &BlockReading::sequence);
    const auto end = std::ranges::upper_bound(*all, upto, {}, &BlockReading::sequence);
    return static_cast<std::uint64_t>(end - begin);
  };
  const auto front = at_or_behind(after + 1);
  if (!front || front->first > upto) return 0;
  std::uint64_t count = part(*front);
  const auto end = at_or_in_front(upto);
  if (!end || end->first <= front->first) return count;
  count += part(*end);
  Rows rows(count_whole_.bind(1, front->first).bind(2, end->first));
  if (rows.next()) count += static_cast<std::uint64_t>(count_whole_.integer(0));
  return count;
}

void BlockTable::insert(std::span<const BlockReading> readings, std::int64_t newest_ms) {
  const BlockCodec::Encoded encoded = codec_.encode(readings);
  const auto [oldest, newest] = std::ranges::minmax_element(readings, {}, &BlockReading::at_ms);
  std::optional<std::int64_t> decides_ms;
  for (const BlockReading& reading : readings) {
    // As Retention decides of a row; one that was stamped while nobody knew the time lies in no time of the journal.
    const model::Quality quality = decode_quality(reading.quality);
    const bool decides = model::usable(quality) || (reading.at_ms <= newest_ms && stamp_believed(quality));
    if (decides && reading.at_ms > decides_ms.value_or(INT64_MIN)) decides_ms = reading.at_ms;
  }
  insert_.bind(1, readings.front().sequence).bind(2, readings.back().sequence);
  insert_.bind(3, static_cast<std::int64_t>(readings.size())).bind(4, oldest->at_ms).bind(5, newest->at_ms);
  if (decides_ms) {
    insert_.bind(6, *decides_ms);
  } else {
    insert_.bind_null(6);
  }
  insert_.bind_blob(7, encoded.directory).bind_blob(8, encoded.body).run();
}

void BlockTable::drop(std::int64_t after, std::int64_t upto) {
  drop_.bind(1, after).bind(2, upto).run();
}

std::int64_t newest_sequence(Database& database) {
  return std::max(database.integer("SELECT max(seq) FROM journal"),
                  database.integer("SELECT last_seq FROM reading_block ORDER BY first_seq DESC LIMIT 1"));
}

std::optional<std::int64_t> oldest_sequence(Database& database) {
  std::optional<std::int64_t> oldest;
  for (const char* sql : {"SELECT min(seq) FROM journal", "SELECT min(first_seq) FROM reading_block"}) {
    Statement least(database, sql);
    if (Rows rows(least); rows.next() && !least.is_null(0)) {
      oldest = std::min(oldest.value_or(INT64_MAX), least.integer(0));
    }
  }
  return oldest;
}

}  // namespace carbongate::store

// The blocks of readings in a database: which there are, and what is in them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "gateway/store/database.h"
#include "gateway/store/reading_block.h"

namespace carbongate::store {

// A block holds all readings of a stretch of the journal; no two stretches overlap, and no reading in one is a row.
// Other rows of the stretch are rows still. Throws SqliteError and DamagedRecord. One thread.
class BlockTable {
 public:
  explicit BlockTable(Database& database);

  struct Block {
    std::int64_t first = 0;  // sequences
    std::int64_t last = 0;
    std::uint64_t readings = 0;
    std::int64_t oldest_ms = 0;  // of all its readings, whatever their quality
    std::int64_t newest_ms = 0;
    std::optional<std::int64_t> decides_ms;  // the newest time by which it is old or not; nullopt: it has none
  };
  using Readings = std::vector<BlockReading>;

  std::optional<Block> at_or_behind(std::int64_t sequence);    // the first one that ends there or later
  std::optional<Block> at_or_in_front(std::int64_t sequence);  // the last one that begins there or earlier

  // Keeps what it decoded last, and the one before.
  std::shared_ptr<const Readings> readings(const Block& block);
  void forget();                                        // what a transaction that failed may have shown
  std::vector<BlockSeries> series(const Block& block);  // without looking at the readings

  std::optional<BlockReading> find(std::int64_t sequence);
  std::uint64_t count(std::int64_t after, std::int64_t upto);  // of readings with sequences (after, upto]

  // Both within a transaction. `newest_ms`: of the newest usable reading of the journal.
  void insert(std::span<const BlockReading> readings, std::int64_t newest_ms);
  void drop(std::int64_t after, std::int64_t upto);  // blocks that begin behind `after` and end at `upto` or earlier

 private:
  Block block_in(const Statement& row) const;

  Statement find_in_front_;
  Statement find_behind_;
  Statement count_whole_;
  Statement body_;
  Statement directory_;
  Statement insert_;
  Statement drop_;
  BlockCodec codec_;
  std::array<std::shared_ptr<const Readings>, 2> decoded_;  // the last one first
};

// Number of the newest row or reading; 0: there is none.
std::int64_t newest_sequence(Database& database);
std::optional<std::int64_t> oldest_sequence(Database& database);  // nullopt: there is none

}  // namespace carbongate::store

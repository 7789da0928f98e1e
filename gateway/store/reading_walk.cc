#include "gateway/store/reading_walk.h"

#include <algorithm>
#include <memory>
#include <string>

namespace carbongate::store {
namespace {

std::string select(const char* what, ReadingWalk::Kinds kinds, const char* order) {
  return std::string("SELECT ") + what + " FROM journal WHERE seq > ?1 AND seq <= ?2" +
         (kinds == ReadingWalk::Kinds::readings ? " AND kind = 0" : "") + order;
}

constexpr const char* kColumns = "seq, kind, series, at, value, quality, body";

ReadingWalk::Row row_in(const Statement& statement) {
  const std::string_view body = statement.blob(6);
  return {.sequence = statement.integer(0),
          .series = statement.integer(2),
          .columns = {.kind = static_cast<RowKind>(statement.integer(1)),
                      .at_ms = statement.integer(3),
                      .value = statement.integer(1) == 0 ? decode_value(statement.real(4), body) : 0,
                      .quality = statement.integer(5),
                      .body = body}};
}

ReadingWalk::Row row_of(const BlockReading& reading) {
  return {.sequence = reading.sequence,
          .series = reading.series,
          .columns = {.kind = RowKind::reading,
                      .at_ms = reading.at_ms,
                      .value = reading.value,
                      .quality = reading.quality,
                      .body = {}}};
}

using Place = BlockTable::Readings::const_iterator;

struct Forwards {
  static std::optional<BlockTable::Block> first(BlockTable& blocks, std::int64_t after, std::int64_t upto) {
    return clip(blocks.at_or_behind(after + 1), upto);
  }
  static std::optional<BlockTable::Block> next(BlockTable& blocks, const BlockTable::Block& block, std::int64_t,
                                               std::int64_t upto) {
    return clip(blocks.at_or_behind(block.last + 1), upto);
  }
  static std::optional<BlockTable::Block> clip(std::optional<BlockTable::Block> block, std::int64_t upto) {
    return block && block->first <= upto ? block : std::nullopt;
  }
  static bool begins_behind(const BlockTable::Block& block, std::int64_t sequence) { return block.first > sequence; }
  static bool is_before(std::int64_t a, std::int64_t b) { return a < b; }
  static const BlockReading* take(Place& begin, const Place& end) { return begin == end ? nullptr : &*begin++; }
};

struct Backwards {
  static std::optional<BlockTable::Block> first(BlockTable& blocks, std::int64_t after, std::int64_t upto) {
    return clip(blocks.at_or_in_front(upto), after);
  }
  static std::optional<BlockTable::Block> next(BlockTable& blocks, const BlockTable::Block& block, std::int64_t after,
                                               std::int64_t) {
    return clip(blocks.at_or_in_front(block.first - 1), after);
  }
  static std::optional<BlockTable::Block> clip(std::optional<BlockTable::Block> block, std::int64_t after) {
    return block && block->last > after ? block : std::nullopt;
  }
  static bool begins_behind(const BlockTable::Block& block, std::int64_t sequence) { return block.last < sequence; }
  static bool is_before(std::int64_t a, std::int64_t b) { return a > b; }
  static const BlockReading* take(const Place& begin, Place& end) { return begin == end ? nullptr : &*--end; }
};

// The readings in blocks, one after the other. A block is decoded when its turn comes.
template <class Direction>
class BlockFeed {
 public:
  BlockFeed(BlockTable& blocks, std::int64_t after, std::int64_t upto, const ReadingWalk::Skip& skip)
      : blocks_(blocks), after_(after), upto_(upto), skip_(skip), block_(Direction::first(blocks, after, upto)) {
    settle();
  }

  // The next one if it comes before that row. `limit` nullopt: there are no more rows.
  const BlockReading* before(std::optional<std::int64_t> limit) {
    while (true) {
      if (!next_) {
        if (!block_ || (limit && Direction::begins_behind(*block_, *limit))) return nullptr;
        open();
        if (!next_) continue;
      }
      return !limit || Direction::is_before(next_->sequence, *limit) ? next_ : nullptr;
    }
  }
  void pass() { next_ = Direction::take(begin_, end_); }

 private:
  void open() {
    all_ = blocks_.readings(*block_);
    begin_ = std::ranges::upper_bound(*all_, after_, {}, &BlockReading::sequence);
    end_ = std::ranges::upper_bound(*all_, upto_, {}, &BlockReading::sequence);
    block_ = Direction::next(blocks_, *block_, after_, upto_);
    settle();
    pass();
  }
  void settle() {  // on a block of which something is wanted
    while (block_ && skip_ && skip_(*block_)) block_ = Direction::next(blocks_, *block_, after_, upto_);
  }

  BlockTable& blocks_;
  std::int64_t after_;
  std::int64_t upto_;
  const ReadingWalk::Skip& skip_;
  std::optional<BlockTable::Block> block_;  // not opened yet
  std::shared_ptr<const BlockTable::Readings> all_;
  Place begin_;
  Place end_;
  const BlockReading* next_ = nullptr;
};

}  // namespace

ReadingWalk::ReadingWalk(Database& database, BlockTable& blocks, Kinds kinds)
    : blocks_(blocks),
      forwards_(database, select(kColumns, kinds, " ORDER BY seq")),
      backwards_(database, select(kColumns, kinds, " ORDER BY seq DESC")),
      count_(database, select("count(*)", kinds, "")) {}

template <class Direction>
bool ReadingWalk::walk(const Direction&, std::int64_t after, std::int64_t upto, const Visit& visit, const Skip& skip) {
  if (upto <= after) return true;
  Statement& statement = std::is_same_v<Direction, Forwards> ? forwards_ : backwards_;
  statement.bind(1, after).bind(2, upto);
  BlockFeed<Direction> feed(blocks_, after, upto, skip);
  Rows rows(statement);
  while (true) {
    const bool is_there = rows.next();
    const auto limit = is_there ? std::optional(statement.integer(0)) : std::nullopt;
    while (const BlockReading* reading = feed.before(limit)) {
      if (!visit(row_of(*reading))) return false;
      feed.pass();
    }
    if (!is_there) return true;
    if (!visit(row_in(statement))) return false;
  }
}

bool ReadingWalk::forwards(std::int64_t after, std::int64_t upto, const Visit& visit, const Skip& skip) {
  return walk(Forwards{}, after, upto, visit, skip);
}

bool ReadingWalk::backwards(std::int64_t after, std::int64_t upto, const Visit& visit) {
  return walk(Backwards{}, after, upto, visit, {});
}

bool ReadingWalk::find(std::int64_t sequence, const Visit& visit) {
  if (const auto reading = blocks_.find(sequence)) {
    visit(row_of(*reading));
    return true;
  }
  Rows rows(forwards_.bind(1, sequence - 1).bind(2, sequence));
  if (!rows.next()) return false;
  visit(row_in(forwards_));
  return true;
}

std::uint64_t ReadingWalk::count(std::int64_t after, std::int64_t upto) {
  Rows rows(count_.bind(1, after).bind(2, upto));
  return (rows.next() ? static_cast<std::uint64_t>(count_.integer(0)) : 0) + blocks_.count(after, upto);
}

}  // namespace carbongate::store

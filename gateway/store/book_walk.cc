#include "gateway/store/book_walk.h"

#include <string>

namespace carbongate::store {
namespace {

constexpr std::int64_t kRowsPerPage = 4'096;

// Finding the next instant, and one series there, takes as long as looking at so many rows of the index.
constexpr std::size_t kLeap = 30;

std::string one_of(std::span<const std::int64_t> series) {
  std::string list;
  for (const std::int64_t one : series) list += (list.empty() ? "" : ",") + std::to_string(one);
  return " AND series IN (" + list + ")";
}

}  // namespace

BookWalk::BookWalk(Database& database, const Range& range) : BookWalk(database, range, Bodies::when_taken, "") {}

BookWalk::BookWalk(Database& database, const Range& range, std::span<const std::int64_t> series, std::size_t others)
    : BookWalk(database, range, Bodies::at_once, one_of(series)) {
  if (others / kLeap < series.size()) return;
  next_instant_.emplace(database,
                        "SELECT at FROM journal INDEXED BY journal_books WHERE kind > 1 AND kind = ?1 AND at > ?2 "
                        "AND at < ?3 ORDER BY at LIMIT 1");
}

BookWalk BookWalk::of_all(Database& database, const Range& range) {
  return {database, range, Bodies::at_once, ""};
}

// Two statements, so that each row of the index is held against as little as can be.
BookWalk::BookWalk(Database& database, const Range& range, Bodies bodies, const std::string& filter)
    : database_(database),
      range_(range),
      bodies_(bodies),
      behind_(database, std::string("SELECT seq, series, at") + (bodies == Bodies::at_once ? ", quality, body" : "") +
                            " FROM journal INDEXED BY journal_books WHERE kind > 1 AND kind = ?1 AND at = ?2 "
                            "AND (series > ?3 OR (series = ?3 AND seq > ?4)) AND seq <= ?5" +
                            filter + " ORDER BY series, seq LIMIT ?6"),
      later_(database, std::string("SELECT seq, series, at") + (bodies == Bodies::at_once ? ", quality, body" : "") +
                           " FROM journal INDEXED BY journal_books WHERE kind > 1 AND kind = ?1 AND at > ?2 "
                           "AND at < ?3 AND seq <= ?4" +
                           filter + " ORDER BY at, series, seq LIMIT ?5"),
      body_(database, "SELECT quality, body FROM journal WHERE seq = ?1"),
      at_ms_(range.from_ms == INT64_MIN ? INT64_MIN : range.from_ms - 1) {}

bool BookWalk::page(const Choose& choose, const Take& take) {
  const Transaction one_moment(database_, Transaction::Kind::read);
  const auto kind = static_cast<std::int64_t>(range_.kind);
  std::int64_t left = kRowsPerPage;
  if (is_cut_) {
    behind_.bind(1, kind).bind(2, at_ms_).bind(3, series_).bind(4, sequence_).bind(5, range_.upto).bind(6, left);
    left -= read(behind_, choose, take);
  }
  if (left > 0 && next_instant_) {
    left -= leap(left, choose, take);
  } else if (left > 0 && !has_enough_) {
    later_.bind(1, kind).bind(2, at_ms_).bind(3, range_.to_ms).bind(4, range_.upto).bind(5, left);
    left -= read(later_, choose, take);
  }
  is_cut_ = left == 0;
  return is_cut_ && !has_enough_;
}

// How many instants and rows were looked at.
std::int64_t BookWalk::leap(std::int64_t most, const Choose& choose, const Take& take) {
  const auto kind = static_cast<std::int64_t>(range_.kind);
  std::int64_t looked_at = 0;
  while (looked_at < most && !has_enough_) {
    next_instant_->bind(1, kind).bind(2, at_ms_).bind(3, range_.to_ms);
    {
      Rows found(*next_instant_);
      if (!found.next()) break;
      at_ms_ = next_instant_->integer(0);
    }
    series_ = sequence_ = 0;
    ++looked_at;
    behind_.bind(1, kind).bind(2, at_ms_).bind(3, series_).bind(4, sequence_).bind(5, range_.upto);
    looked_at += read(behind_.bind(6, most - looked_at), choose, take);
  }
  return looked_at;
}

// How many were looked at.
std::int64_t BookWalk::read(Statement& rows, const Choose& choose, const Take& take) {
  std::int64_t looked_at = 0;
  const auto visit = [&](const Statement& row, int quality) {
    const RecordColumns columns{.kind = range_.kind,
                                .at_ms = at_ms_,
                                .value = 0,
                                .quality = row.integer(quality),
                                .body = row.blob(quality + 1)};
    take({.sequence = sequence_, .series = series_, .columns = columns});
  };
  for (Rows found(rows); found.next();) {
    ++looked_at;
    sequence_ = rows.integer(0);
    series_ = rows.integer(1);
    at_ms_ = rows.integer(2);
    const Choice choice = choose(series_);
    has_enough_ = choice == Choice::enough;
    if (has_enough_) break;
    if (choice == Choice::skip) continue;
    if (bodies_ == Bodies::at_once) {
      visit(rows, 3);
      continue;
    }
    body_.bind(1, sequence_);
    if (Rows body(body_); body.next()) visit(body_, 0);
  }
  return looked_at;
}

}  // namespace carbongate::store

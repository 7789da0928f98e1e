#include "gateway/store/book_history.h"

#include <algorithm>
#include <utility>

#include "gateway/store/state_log.h"

namespace carbongate::store {
namespace {

constexpr std::size_t kRowsPerRead = 4'096;  // of one short transaction

RowKind kind_of(History::What what) {
  switch (what) {
    case History::What::readings: return RowKind::reading;
    case History::What::intervals: return RowKind::interval;
    case History::What::entries: return RowKind::entry;
    case History::What::rollups: return RowKind::rollup;
    case History::What::alerts: return RowKind::alert;
    case History::What::reports: return RowKind::report;
  }
  return RowKind::reading;
}

template <class Row>
Instant begin_of(const Row& row) {
  if constexpr (requires { row.begin; })
    return row.begin;
  else
    return row.at;
}

BookWalk::Choice choice_of(History::Choice choice) {
  switch (choice) {
    case History::Choice::take: return BookWalk::Choice::take;
    case History::Choice::skip: return BookWalk::Choice::skip;
    case History::Choice::enough: break;
  }
  return BookWalk::Choice::enough;
}

}  // namespace

void BookHistory::each(History::What what, const Bounds& bounds, const History::Visit& visit) {
  std::vector<RankedRow> open;
  snapshot_.take([&] {
    if (what == History::What::rollups) open = open_rollups(bounds);
  });
  const History::Choose all = [](const model::Series&) { return History::Choice::take; };
  BookWalk walk = BookWalk::of_all(snapshot_.database(), range_of(kind_of(what), bounds));
  walk_through(walk, std::move(open), all, visit);
}

void BookHistory::each_of(History::What what, const Bounds& bounds, const History::Choose& choose,
                          const History::Visit& visit) {
  snapshot_.take();
  BookWalk walk(snapshot_.database(), range_of(kind_of(what), bounds));
  walk_through(walk, {}, choose, visit);
}

void BookHistory::each_booked(const Bounds& bounds, const History::Wanted& wanted, const History::VisitBooked& visit) {
  snapshot_.take();
  std::vector<std::int64_t> chosen;
  std::size_t accounts = 0;
  for (const auto& [id, entry] : snapshot_.series().all()) {
    const bool is_account = !entry.series->user.empty() && entry.series->rule.empty();
    accounts += is_account ? 1 : 0;
    if (is_account && wanted(*entry.series)) chosen.push_back(id);
  }
  if (chosen.empty()) return;
  BookWalk walk(snapshot_.database(), range_of(RowKind::entry, bounds), chosen, accounts - chosen.size());
  struct Numbered {
    std::int64_t sequence;
    History::Booked booked;
  };
  std::vector<Numbered> together;  // what begins at one instant: the walk has it by series
  const auto hand_out = [&] {
    std::ranges::sort(together, {}, &Numbered::sequence);
    const bool more = std::ranges::all_of(together, [&](const Numbered& one) { return visit(one.booked); });
    together.clear();
    return more;
  };
  std::vector<Numbered> page;
  for (bool is_more = true; is_more;) {
    page.clear();
    is_more = walk.page([](std::int64_t) { return BookWalk::Choice::take; },
                        [&](const BookWalk::Row& row) {
                          page.push_back({row.sequence,
                                          {snapshot_.series().series(row.series).get(),
                                           snapshot_.codec().decode_figures(row.columns)}});
                        });
    for (const Numbered& one : page) {
      const bool is_later = !together.empty() && together.front().booked.figures.begin != one.booked.figures.begin;
      if (is_later && !hand_out()) return;
      together.push_back(one);
    }
  }
  hand_out();
}

void BookHistory::rollups_at(std::span<const Instant> begins, const History::Wanted& wanted,
                             const History::Visit& visit) {
  snapshot_.take();
  Database& database = snapshot_.database();
  const auto is_wanted = snapshot_.wanted_of(wanted);
  Statement places(database,
                   "SELECT seq, series FROM journal INDEXED BY journal_books "
                   "WHERE kind > 1 AND kind = 4 AND at = ?1 AND seq <= ?2 ORDER BY seq");
  Statement body(database, "SELECT quality, body FROM journal WHERE seq = ?1");
  std::vector<model::StoredRow> page;
  for (std::size_t i = 0; i < begins.size();) {
    page.clear();
    {
      const Transaction one_moment(database, Transaction::Kind::read);
      for (; i < begins.size() && page.size() < kRowsPerRead; ++i) {
        const std::int64_t at_ms = begins[i].time_since_epoch().count();
        places.bind(1, at_ms).bind(2, snapshot_.last_sequence());
        for (Rows rows(places); rows.next();) {
          const std::int64_t series = places.integer(1);
          if (!is_wanted(series)) continue;
          body.bind(1, places.integer(0));
          if (Rows found(body); found.next()) {
            const RecordColumns columns{
                .kind = RowKind::rollup, .at_ms = at_ms, .value = 0, .quality = body.integer(0), .body = body.blob(1)};
            page.push_back({static_cast<std::uint64_t>(places.integer(0)), snapshot_.series().series(series),
                            snapshot_.codec().decode_row(columns)});
          }
        }
      }
    }
    for (const model::StoredRow& row : page) {
      if (!visit(row)) return;
    }
  }
}

std::vector<RankedRow> BookHistory::open_rollups(const Bounds& bounds) {
  std::vector<RankedRow> rows;
  const StateReader::States states = StateReader(snapshot_.database(), snapshot_.blocks()).read();
  Statement accounts(snapshot_.database(),
                     "SELECT t.id, (SELECT max(id) FROM series WHERE subject = t.id) FROM subject t WHERE t.kind = 1");
  for (Rows each(accounts); each.next();) {
    const auto stored = states.find(accounts.integer(0));
    if (stored == states.end()) continue;
    const auto& series = snapshot_.series().series(accounts.integer(1));
    const model::AccountState state = snapshot_.codec().decode_account(stored->second);
    for (std::size_t period = 0; period < state.open.size(); ++period) {
      const auto& open = state.open[period];
      if (!open || !open->has_counted() || !bounds.contain(open->begin.time_since_epoch().count())) continue;
      model::RollupRow rollup{.period = static_cast<model::Period>(period),
                              .begin = open->begin,
                              .end = open->end,
                              .amount = open->amount,
                              .coal = open->coal,
                              .emitted = open->emitted,
                              .covered = open->covered,
                              .valid_hours = open->valid_hours,
                              .quality = open->quality};
      rows.push_back(ranked(accounts.integer(1), {0, series, std::move(rollup)}));
    }
  }
  return rows;
}

// What is open is merged in.
void BookHistory::walk_through(BookWalk& walk, std::vector<RankedRow> open, const History::Choose& choose,
                               const History::Visit& visit) {
  RowMerge merge(std::move(open), visit);
  std::vector<RankedRow> page;
  for (bool is_more = true; is_more;) {
    page.clear();
    is_more = walk.page([&](std::int64_t series) { return choice_of(choose(*snapshot_.series().series(series))); },
                        [&](const BookWalk::Row& row) { page.push_back(ranked(row)); });
    for (RankedRow& row : page) {
      if (!merge.add(std::move(row))) return;
    }
  }
  if (!walk.has_enough()) merge.finish();
}

BookWalk::Range BookHistory::range_of(RowKind kind, const Bounds& bounds) const {
  return {.kind = kind, .from_ms = bounds.from_ms, .to_ms = bounds.to_ms, .upto = snapshot_.last_sequence()};
}

RankedRow BookHistory::ranked(const BookWalk::Row& row) const {
  return ranked(row.series, {static_cast<std::uint64_t>(row.sequence), snapshot_.series().series(row.series),
                             snapshot_.codec().decode_row(row.columns)});
}

RankedRow BookHistory::ranked(std::int64_t series, model::StoredRow row) const {
  const Instant at = row.body.visit([](const auto& body) { return begin_of(body); });
  const auto* rollup = row.body.get_if<model::RollupRow>();
  const std::int64_t period = rollup ? static_cast<std::int64_t>(rollup->period) : 0;
  return {at.time_since_epoch().count(), snapshot_.rank(series), period, std::move(row)};
}

}  // namespace carbongate::store

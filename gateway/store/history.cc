#include "gateway/store/history.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "gateway/store/book_walk.h"
#include "gateway/store/cursor_table.h"
#include "gateway/store/database.h"
#include "gateway/store/migrations.h"
#include "gateway/store/reading_walk.h"
#include "gateway/store/record.h"
#include "gateway/store/row_merge.h"
#include "gateway/store/series_table.h"
#include "gateway/store/state_log.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {
namespace {

constexpr std::size_t kRowsPerRead = 4'096;  // of one short transaction
constexpr std::int64_t kReadingsPerSort = 65'536;

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

struct Bounds {
  std::int64_t from_ms = INT64_MIN;
  std::int64_t to_ms = INT64_MAX;  // excluded

  explicit Bounds(const History::Range& range) {
    if (range.from) from_ms = range.from->time_since_epoch().count();
    if (range.to) to_ms = range.to->time_since_epoch().count();
  }
  bool contain(Instant at) const {
    const std::int64_t ms = at.time_since_epoch().count();
    return from_ms <= ms && ms < to_ms;
  }
};

template <class Row>
Instant begin_of(const Row& row) {
  if constexpr (requires { row.begin; })
    return row.begin;
  else
    return row.at;
}

}  // namespace

class History::Impl {
 public:
  explicit Impl(const std::filesystem::path& file)
      : database_(open_for_reading(file)),
        blocks_(*database_),
        journal_(*database_, blocks_, ReadingWalk::Kinds::readings) {
    database_->execute("PRAGMA cache_size = -8192; PRAGMA temp.journal_mode = OFF");  // also the sorter's memory
  }

  void each(What what, const Bounds& bounds, const Visit& visit) {
    std::vector<RankedRow> open = take_snapshot(what, bounds);
    if (what == What::readings) return readings(bounds, [](const model::Series&) { return true; }, visit);
    const Choose all = [](const model::Series&) { return Choice::take; };
    BookWalk walk = BookWalk::of_all(*database_, range_of(kind_of(what), bounds));
    books(walk, std::move(open), all, visit);
  }

  void each_reading(const Bounds& bounds, const Wanted& wanted, const Visit& visit) {
    take_snapshot(What::readings, bounds);
    readings(bounds, wanted, visit);
  }

  void each_of(What what, const Bounds& bounds, const Choose& choose, const Visit& visit) {
    take_snapshot(what, bounds);
    BookWalk walk(*database_, range_of(kind_of(what), bounds));
    books(walk, {}, choose, visit);
  }

  void each_booked(const Bounds& bounds, const Wanted& wanted, const VisitBooked& visit) {
    take_snapshot(What::entries, bounds);
    std::vector<std::int64_t> chosen;
    std::size_t accounts = 0;
    for (const auto& [id, entry] : series_->all()) {
      const bool is_account = !entry.series->user.empty() && entry.series->rule.empty();
      accounts += is_account ? 1 : 0;
      if (is_account && wanted(*entry.series)) chosen.push_back(id);
    }
    if (chosen.empty()) return;
    BookWalk walk(*database_, range_of(RowKind::entry, bounds), chosen, accounts - chosen.size());
    struct Numbered {
      std::int64_t sequence;
      Booked booked;
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
      is_more = walk.page(
          [](std::int64_t) { return BookWalk::Choice::take; },
          [&](const BookWalk::Row& row) {
            page.push_back({row.sequence, {series_->series(row.series).get(), codec_.decode_figures(row.columns)}});
          });
      for (const Numbered& one : page) {
        const bool is_later = !together.empty() && together.front().booked.figures.begin != one.booked.figures.begin;
        if (is_later && !hand_out()) return;
        together.push_back(one);
      }
    }
    hand_out();
  }

  void readings_behind(Instant at, const VisitReading& visit, const Skip& skip) {
    take_snapshot(What::readings, Bounds({}));
    bool enough = false;
    const VisitReading looked_at = [&](const RawReading& reading) { return !(enough = !visit(reading)); };
    for (const Stretch& stretch : stretches_from(place_of(at))) {
      if (skip && stretch.oldest && skip(*stretch.oldest)) continue;
      std::int64_t sequence = stretch.after;
      while (raw_page(Way::forwards, sequence, stretch.upto, sequence, looked_at)) {
      }
      if (enough) return;
    }
  }

  void readings_in_front(Instant at, const VisitReading& visit) {
    take_snapshot(What::readings, Bounds({}));
    std::int64_t sequence = place_of(at) + 1;
    while (raw_page(Way::backwards, 0, sequence - 1, sequence, visit)) {
    }
  }

  void readings_after(std::uint64_t after, const VisitReading& visit) {
    take_snapshot(What::readings, Bounds({}));
    const std::int64_t last = last_sequence_of(*database_);
    auto sequence = static_cast<std::int64_t>(after);
    while (raw_page(Way::forwards, sequence, last, sequence, visit)) {
    }
  }

  std::uint64_t last_sequence() { return static_cast<std::uint64_t>(last_sequence_of(*database_)); }

  bool is_thinned() { return database_->integer("SELECT value FROM meta WHERE name = 'swept'") > 0; }

  void rollups_at(std::span<const Instant> begins, const Wanted& wanted, const Visit& visit) {
    take_snapshot(What::entries, Bounds({}));
    const auto is_wanted = wanted_of(wanted);
    Statement places(*database_,
                     "SELECT seq, series FROM journal INDEXED BY journal_books "
                     "WHERE kind > 1 AND kind = 4 AND at = ?1 AND seq <= ?2 ORDER BY seq");
    Statement body(*database_, "SELECT quality, body FROM journal WHERE seq = ?1");
    std::vector<model::StoredRow> page;
    for (std::size_t i = 0; i < begins.size();) {
      page.clear();
      {
        const Transaction one_moment(*database_, Transaction::Kind::read);
        for (; i < begins.size() && page.size() < kRowsPerRead; ++i) {
          const std::int64_t at_ms = begins[i].time_since_epoch().count();
          places.bind(1, at_ms).bind(2, last_sequence_);
          for (Rows rows(places); rows.next();) {
            const std::int64_t series = places.integer(1);
            if (!is_wanted(series)) continue;
            body.bind(1, places.integer(0));
            if (Rows found(body); found.next()) {
              const RecordColumns columns{.kind = RowKind::rollup,
                                          .at_ms = at_ms,
                                          .value = 0,
                                          .quality = body.integer(0),
                                          .body = body.blob(1)};
              page.push_back(
                  {static_cast<std::uint64_t>(places.integer(0)), series_->series(series), codec_.decode_row(columns)});
            }
          }
        }
      }
      for (const model::StoredRow& row : page) {
        if (!visit(row)) return;
      }
    }
  }

  model::Checkpoint checkpoint(const model::Site& site) {
    std::map<std::string, PointId> points;
    std::map<std::string, model::AccountId> accounts;
    std::map<std::string, model::WatchId> watches;
    std::map<std::string_view, model::StationId> stations;
    const auto key = [](std::initializer_list<std::string_view> names) {
      std::string text;
      for (const std::string_view name : names) (text += name) += '\n';
      return text;
    };
    std::vector<std::string_view> carriers(site.points.size());
    for (const model::Account& a : site.accounts) carriers.at(index(a.source)) = a.carrier->id;
    for (const Point& p : site.points) {
      points.emplace(key({p.device, p.name, p.unit.symbol, carriers[index(p.id)]}), p.id);
    }
    for (const model::Account& a : site.accounts) {
      const Point& p = site.points.at(index(a.source));
      accounts.emplace(key({a.user, a.carrier->id, p.device, p.name, to_string(a.flow)}), a.id);
    }
    model::Checkpoint checkpoint;
    checkpoint.points.resize(site.points.size());
    for (const model::Watch& w : site.watches) {
      watches.emplace(key({w.rule, w.user, w.carrier ? w.carrier->id : "", w.device, w.point}), w.id);
    }
    checkpoint.accounts.resize(site.accounts.size());
    checkpoint.alerts.resize(site.watches.size());
    for (const model::Station& s : site.stations) stations.emplace(s.name, s.id);
    checkpoint.stations.resize(site.stations.size());
    const Transaction one_moment(*database_, Transaction::Kind::read);
    const StateReader::States states = StateReader(*database_, blocks_).read();
    Statement subjects(*database_, "SELECT kind, device, point, unit, user, carrier, id, rule, flow FROM subject");
    for (Rows each(subjects); each.next();) {
      const auto state = states.find(subjects.integer(6));
      if (state == states.end()) continue;
      if (subjects.integer(0) == 0) {
        const auto found = points.find(key({subjects.text(1), subjects.text(2), subjects.text(3), subjects.text(5)}));
        if (found != points.end()) checkpoint.points[index(found->second)] = codec_.decode_point(state->second);
      } else if (subjects.integer(0) == 3) {
        const auto found = stations.find(subjects.text(1));
        if (found != stations.end()) {
          checkpoint.stations[model::index(found->second)] = codec_.decode_station(state->second);
        }
      } else if (subjects.integer(0) == 2) {
        const auto found = watches.find(
            key({subjects.text(7), subjects.text(4), subjects.text(5), subjects.text(1), subjects.text(2)}));
        if (found != watches.end()) checkpoint.alerts[model::index(found->second)] = codec_.decode_alert(state->second);
      } else {
        const auto flow = static_cast<model::Flow>(subjects.integer(8));
        const auto found = accounts.find(
            key({subjects.text(4), subjects.text(5), subjects.text(1), subjects.text(2), to_string(flow)}));
        if (found != accounts.end()) {
          checkpoint.accounts[model::index(found->second)] = codec_.decode_account(state->second);
        }
      }
    }
    if (const auto behind = states_behind(*database_)) checkpoint.behind = static_cast<std::uint64_t>(*behind);
    return checkpoint;
  }

 private:
  // Up to this sequence every usable reading is older than `at`.
  std::int64_t place_of(Instant at) {
    Statement mark(*database_, "SELECT seq FROM reading_mark WHERE newest < ?1 ORDER BY seq DESC LIMIT 1");
    mark.bind(1, at.time_since_epoch().count());
    Rows rows(mark);
    return rows.next() ? mark.integer(0) : 0;
  }

  // The journal between two marks: sequences (after, upto].
  struct Stretch {
    std::int64_t after = 0;
    std::int64_t upto = 0;
    std::optional<Instant> oldest;  // of its readings; nullopt: not known
  };
  std::vector<Stretch> stretches_from(std::int64_t place) {
    std::vector<Stretch> stretches{{.after = place, .upto = last_sequence_, .oldest = {}}};
    Statement marks(*database_, "SELECT seq, oldest FROM reading_mark WHERE seq >= ?1 AND seq < ?2 ORDER BY seq");
    marks.bind(1, place).bind(2, last_sequence_);
    for (Rows rows(marks); rows.next();) {
      if (marks.integer(0) != place) {
        stretches.back().upto = marks.integer(0);
        stretches.push_back({.after = marks.integer(0), .upto = last_sequence_, .oldest = {}});
      }
      if (!marks.is_null(1)) stretches.back().oldest = Instant(Duration(marks.integer(1)));
    }
    // The last one is written to while it is read.
    stretches.back().oldest.reset();
    return stretches;
  }

  // One short transaction. False: nothing is left, or the visitor has enough. `last`: the sequence looked at last.
  enum class Way : std::uint8_t { forwards, backwards };
  bool raw_page(Way way, std::int64_t after, std::int64_t upto, std::int64_t& last, const VisitReading& visit) {
    std::vector<std::pair<std::int64_t, RawReading>> found;
    const ReadingWalk::Visit find = [&](const ReadingWalk::Row& row) {
      last = row.sequence;
      found.push_back({row.series,
                       {.sequence = static_cast<std::uint64_t>(last),
                        .series = nullptr,
                        .at = Instant(Duration(row.columns.at_ms)),
                        .value = row.columns.value,
                        .quality = decode_quality(row.columns.quality)}});
      return found.size() < kRowsPerRead;
    };
    {
      const Transaction one_moment(*database_, Transaction::Kind::read);
      way == Way::forwards ? journal_.forwards(after, upto, find) : journal_.backwards(after, upto, find);
    }
    for (auto& [series, reading] : found) {
      reading.series = series_->series(series).get();
      if (!visit(reading)) return false;
    }
    return !found.empty();
  }

  // What there is now: later reads see the journal up to here, however much is appended meanwhile.
  std::vector<RankedRow> take_snapshot(What what, const Bounds& bounds) {
    database_->execute("BEGIN");
    struct End {
      Database& database;
      ~End() { sqlite3_exec(database.handle(), "COMMIT", nullptr, nullptr, nullptr); }
    } end{*database_};
    last_sequence_ = newest_sequence(*database_);
    series_.emplace(*database_);
    rank_series();
    return what == What::rollups ? open_rollups(bounds) : std::vector<RankedRow>();
  }

  void rank_series() {
    std::vector<std::pair<std::int64_t, const model::Series*>> order;
    for (const auto& [id, entry] : series_->all()) order.emplace_back(id, entry.series.get());
    const auto key = [](const auto& item) {
      const model::Series& s = *item.second;
      return std::tie(s.user, s.device, s.point, s.carrier, s.rule, s.unit, s.region, s.scope, s.flow, s.site,
                      s.user_name);
    };
    std::ranges::sort(order, {}, key);
    rank_.clear();
    const auto name = [](const model::Series& s) { return std::tie(s.user, s.device, s.point, s.carrier, s.rule); };
    const model::Series* before = nullptr;
    std::int64_t rank = 0;
    for (const auto& [id, series] : order) {  // one name, one rank, however it was described over the years
      if (before && name(*before) != name(*series)) ++rank;
      before = series;
      rank_.emplace(id, rank);
    }
  }

  std::vector<RankedRow> open_rollups(const Bounds& bounds) {
    std::vector<RankedRow> rows;
    const StateReader::States states = StateReader(*database_, blocks_).read();
    Statement accounts(
        *database_, "SELECT t.id, (SELECT max(id) FROM series WHERE subject = t.id) FROM subject t WHERE t.kind = 1");
    for (Rows each(accounts); each.next();) {
      const auto stored = states.find(accounts.integer(0));
      if (stored == states.end()) continue;
      const auto& series = series_->series(accounts.integer(1));
      const model::AccountState state = codec_.decode_account(stored->second);
      for (std::size_t period = 0; period < state.open.size(); ++period) {
        const auto& open = state.open[period];
        if (!open || !open->has_counted() || !bounds.contain(open->begin)) continue;
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

  // Sorted by time in a table of its own, as they are found: nearly all of them come in that order.
  void readings(const Bounds& bounds, const Wanted& wanted, const Visit& visit) {
    database_->execute(
        "DROP TABLE IF EXISTS temp.sorted;"
        "CREATE TEMP TABLE sorted(at INTEGER, rank INTEGER, seq INTEGER, series INTEGER, value REAL, quality INTEGER, "
        "PRIMARY KEY(at, rank, seq)) WITHOUT ROWID");
    sort_readings(bounds, wanted);
    Statement sorted(*database_, "SELECT at, series, value, quality, seq FROM temp.sorted ORDER BY at, rank, seq");
    for (Rows rows(sorted); rows.next();) {
      const RecordColumns columns{.kind = RowKind::reading,
                                  .at_ms = sorted.integer(0),
                                  .value = sorted.real(2),
                                  .quality = sorted.integer(3),
                                  .body = {}};
      const auto sequence = static_cast<std::uint64_t>(sorted.integer(4));
      if (!visit({sequence, series_->series(sorted.integer(1)), codec_.decode_row(columns)})) return;
    }
  }

  void sort_readings(const Bounds& bounds, const Wanted& wanted) {
    const auto wants = wanted_of(wanted);
    const ReadingWalk::Skip skip = [&](const BlockTable::Block& block) {
      if (block.newest_ms < bounds.from_ms || block.oldest_ms >= bounds.to_ms) return true;
      return std::ranges::none_of(blocks_.series(block), wants, &BlockSeries::series);
    };
    Statement insert(*database_, "INSERT INTO temp.sorted VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
    std::int64_t sequence = 0;
    for (bool is_more = true; is_more;) {
      std::int64_t looked_at = 0;
      Transaction one_moment(*database_, Transaction::Kind::read);
      is_more = !journal_.forwards(
          sequence, last_sequence_,
          [&](const ReadingWalk::Row& row) {
            sequence = row.sequence;
            const RecordColumns& columns = row.columns;
            if (wants(row.series) && bounds.from_ms <= columns.at_ms && columns.at_ms < bounds.to_ms) {
              insert.bind(1, columns.at_ms).bind(2, rank_.at(row.series)).bind(3, row.sequence).bind(4, row.series);
              insert.bind(5, columns.value).bind(6, columns.quality).run();
            }
            return ++looked_at < kReadingsPerSort;
          },
          skip);
      one_moment.commit();
    }
  }

  // What is open is merged in.
  void books(BookWalk& walk, std::vector<RankedRow> open, const Choose& choose, const Visit& visit) {
    RowMerge merge(std::move(open), visit);
    std::vector<RankedRow> page;
    for (bool is_more = true; is_more;) {
      page.clear();
      is_more = walk.page([&](std::int64_t series) { return choice_of(choose(*series_->series(series))); },
                          [&](const BookWalk::Row& row) { page.push_back(ranked(row)); });
      for (RankedRow& row : page) {
        if (!merge.add(std::move(row))) return;
      }
    }
    if (!walk.has_enough()) merge.finish();
  }

  static BookWalk::Choice choice_of(Choice choice) {
    switch (choice) {
      case Choice::take: return BookWalk::Choice::take;
      case Choice::skip: return BookWalk::Choice::skip;
      case Choice::enough: break;
    }
    return BookWalk::Choice::enough;
  }

  BookWalk::Range range_of(RowKind kind, const Bounds& bounds) const {
    return {.kind = kind, .from_ms = bounds.from_ms, .to_ms = bounds.to_ms, .upto = last_sequence_};
  }

  // Whether a number of a series is that of one wanted. Throws DamagedRecord where there is no such series.
  std::function<bool(std::int64_t)> wanted_of(const Wanted& wanted) const {
    std::unordered_map<std::int64_t, bool> is_wanted;
    for (const auto& [id, entry] : series_->all()) is_wanted.emplace(id, wanted(*entry.series));
    return [this, is_wanted = std::move(is_wanted)](std::int64_t series) {
      const auto found = is_wanted.find(series);
      if (found == is_wanted.end()) static_cast<void>(series_->series(series));  // says that it is not there
      return found->second;
    };
  }

  RankedRow ranked(const BookWalk::Row& row) {
    return ranked(row.series, {static_cast<std::uint64_t>(row.sequence), series_->series(row.series),
                               codec_.decode_row(row.columns)});
  }

  RankedRow ranked(std::int64_t series, model::StoredRow row) const {
    const Instant at = row.body.visit([](const auto& body) { return begin_of(body); });
    const auto* rollup = row.body.get_if<model::RollupRow>();
    const std::int64_t period = rollup ? static_cast<std::int64_t>(rollup->period) : 0;
    return {at.time_since_epoch().count(), rank_.at(series), period, std::move(row)};
  }

  std::unique_ptr<Database> database_;
  BlockTable blocks_;
  ReadingWalk journal_;
  RecordCodec codec_;
  std::optional<SeriesTable> series_;
  std::unordered_map<std::int64_t, std::int64_t> rank_;  // of a series, in the order of names
  std::int64_t last_sequence_ = 0;
};

History::History(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
History::~History() = default;

model::Result<std::unique_ptr<History>> History::open(const std::filesystem::path& directory) {
  return guarded(directory, [&] {
    auto history = std::unique_ptr<History>(new History(std::make_unique<Impl>(directory / kDatabaseFile)));
    history->directory_ = directory;
    return history;
  });
}

model::Result<void> History::each(What what, const Range& range, const Visit& visit) {
  return guarded(directory_, [&] { impl_->each(what, Bounds(range), visit); });
}

model::Result<void> History::each_reading(const Range& range, const Wanted& wanted, const Visit& visit) {
  return guarded(directory_, [&] { impl_->each_reading(Bounds(range), wanted, visit); });
}

model::Result<void> History::each_of(What what, const Range& range, const Choose& choose, const Visit& visit) {
  return guarded(directory_, [&] { impl_->each_of(what, Bounds(range), choose, visit); });
}

model::Result<void> History::each_booked(const Range& range, const Wanted& wanted, const VisitBooked& visit) {
  return guarded(directory_, [&] { impl_->each_booked(Bounds(range), wanted, visit); });
}

model::Result<void> History::readings_behind(Instant at, const VisitReading& visit, const Skip& skip) {
  return guarded(directory_, [&] { impl_->readings_behind(at, visit, skip); });
}

model::Result<void> History::readings_in_front(Instant at, const VisitReading& visit) {
  return guarded(directory_, [&] { impl_->readings_in_front(at, visit); });
}

model::Result<void> History::readings_after(std::uint64_t sequence, const VisitReading& visit) {
  return guarded(directory_, [&] { impl_->readings_after(sequence, visit); });
}

model::Result<std::uint64_t> History::last_sequence() {
  return guarded(directory_, [&] { return impl_->last_sequence(); });
}

model::Result<bool> History::is_thinned() {
  return guarded(directory_, [&] { return impl_->is_thinned(); });
}

model::Result<void> History::rollups_at(std::span<const Instant> begins, const Wanted& wanted, const Visit& visit) {
  return guarded(directory_, [&] { impl_->rollups_at(begins, wanted, visit); });
}

model::Result<model::Checkpoint> History::checkpoint(const model::Site& site) {
  return guarded(directory_, [&] { return impl_->checkpoint(site); });
}

}  // namespace carbongate::store

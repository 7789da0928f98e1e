#include "gateway/store/history.h"

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>

#include "gateway/store/book_history.h"
#include "gateway/store/cursor_table.h"
#include "gateway/store/database.h"
#include "gateway/store/history_snapshot.h"
#include "gateway/store/reading_history.h"
#include "gateway/store/state_log.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {
namespace {

model::Checkpoint read_checkpoint(HistorySnapshot& snapshot, const model::Site& site) {
  Database& database = snapshot.database();
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
  const Transaction one_moment(database, Transaction::Kind::read);
  const StateReader::States states = StateReader(database, snapshot.blocks()).read();
  Statement subjects(database, "SELECT kind, device, point, unit, user, carrier, id, rule, flow FROM subject");
  for (Rows each(subjects); each.next();) {
    const auto state = states.find(subjects.integer(6));
    if (state == states.end()) continue;
    if (subjects.integer(0) == 0) {
      const auto found = points.find(key({subjects.text(1), subjects.text(2), subjects.text(3), subjects.text(5)}));
      if (found != points.end()) checkpoint.points[index(found->second)] = snapshot.codec().decode_point(state->second);
    } else if (subjects.integer(0) == 3) {
      const auto found = stations.find(subjects.text(1));
      if (found != stations.end()) {
        checkpoint.stations[model::index(found->second)] = snapshot.codec().decode_station(state->second);
      }
    } else if (subjects.integer(0) == 2) {
      const auto found =
          watches.find(key({subjects.text(7), subjects.text(4), subjects.text(5), subjects.text(1), subjects.text(2)}));
      if (found != watches.end())
        checkpoint.alerts[model::index(found->second)] = snapshot.codec().decode_alert(state->second);
    } else {
      const auto flow = static_cast<model::Flow>(subjects.integer(8));
      const auto found =
          accounts.find(key({subjects.text(4), subjects.text(5), subjects.text(1), subjects.text(2), to_string(flow)}));
      if (found != accounts.end()) {
        checkpoint.accounts[model::index(found->second)] = snapshot.codec().decode_account(state->second);
      }
    }
  }
  if (const auto behind = states_behind(database)) checkpoint.behind = static_cast<std::uint64_t>(*behind);
  return checkpoint;
}

}  // namespace

class History::Impl {
 public:
  explicit Impl(const std::filesystem::path& file) : snapshot(file) {}

  HistorySnapshot snapshot;
  ReadingHistory readings{snapshot};
  BookHistory books{snapshot};
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
  return guarded(directory_, [&] {
    if (what != What::readings) return impl_->books.each(what, Bounds(range), visit);
    impl_->readings.each(Bounds(range), [](const model::Series&) { return true; }, visit);
  });
}

model::Result<void> History::each_reading(const Range& range, const Wanted& wanted, const Visit& visit) {
  return guarded(directory_, [&] { impl_->readings.each(Bounds(range), wanted, visit); });
}

model::Result<void> History::each_of(What what, const Range& range, const Choose& choose, const Visit& visit) {
  return guarded(directory_, [&] { impl_->books.each_of(what, Bounds(range), choose, visit); });
}

model::Result<void> History::each_booked(const Range& range, const Wanted& wanted, const VisitBooked& visit) {
  return guarded(directory_, [&] { impl_->books.each_booked(Bounds(range), wanted, visit); });
}

model::Result<void> History::readings_behind(Instant at, const VisitReading& visit, const Skip& skip) {
  return guarded(directory_, [&] { impl_->readings.behind(at, visit, skip); });
}

model::Result<void> History::readings_in_front(Instant at, const VisitReading& visit) {
  return guarded(directory_, [&] { impl_->readings.in_front(at, visit); });
}

model::Result<void> History::readings_after(std::uint64_t sequence, const VisitReading& visit) {
  return guarded(directory_, [&] { impl_->readings.after(sequence, visit); });
}

model::Result<std::uint64_t> History::last_sequence() {
  return guarded(directory_, [&] { return static_cast<std::uint64_t>(last_sequence_of(impl_->snapshot.database())); });
}

model::Result<bool> History::is_thinned() {
  return guarded(directory_,
                 [&] { return impl_->snapshot.database().integer("SELECT value FROM meta WHERE name = 'swept'") > 0; });
}

model::Result<void> History::rollups_at(std::span<const Instant> begins, const Wanted& wanted, const Visit& visit) {
  return guarded(directory_, [&] { impl_->books.rollups_at(begins, wanted, visit); });
}

model::Result<model::Checkpoint> History::checkpoint(const model::Site& site) {
  return guarded(directory_, [&] { return read_checkpoint(impl_->snapshot, site); });
}

}  // namespace carbongate::store

#include "gateway/store/history_snapshot.h"

#include <sqlite3.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "gateway/store/migrations.h"

namespace carbongate::store {

Bounds::Bounds(const History::Range& range) {
  if (range.from) from_ms = range.from->time_since_epoch().count();
  if (range.to) to_ms = range.to->time_since_epoch().count();
}

HistorySnapshot::HistorySnapshot(const std::filesystem::path& file)
    : database_(open_for_reading(file)), blocks_(*database_) {
  database_->execute("PRAGMA cache_size = -8192; PRAGMA temp.journal_mode = OFF");  // also the sorter's memory
}

void HistorySnapshot::take(const std::function<void()>& also) {
  database_->execute("BEGIN");
  struct End {
    Database& database;
    ~End() { sqlite3_exec(database.handle(), "COMMIT", nullptr, nullptr, nullptr); }
  } end{*database_};
  last_sequence_ = newest_sequence(*database_);
  series_.emplace(*database_);
  rank_series();
  also();
}

void HistorySnapshot::rank_series() {
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

std::function<bool(std::int64_t)> HistorySnapshot::wanted_of(const History::Wanted& wanted) const {
  std::unordered_map<std::int64_t, bool> is_wanted;
  for (const auto& [id, entry] : series_->all()) is_wanted.emplace(id, wanted(*entry.series));
  return [this, is_wanted = std::move(is_wanted)](std::int64_t series) {
    const auto found = is_wanted.find(series);
    if (found == is_wanted.end()) static_cast<void>(series_->series(series));  // says that it is not there
    return found->second;
  };
}

}  // namespace carbongate::store

#include "gateway/app/replay.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

#include "gateway/model/lineage.h"
#include "gateway/pipeline/counter.h"
#include "gateway/pipeline/pipeline.h"

namespace carbongate::app {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kReadingsPerCall = 4'096;

// Its own counter, or that of anything it is computed from.
bool in_doubt(const model::Site& site, const model::Checkpoint& state, PointId point) {
  const auto waits = [](const model::CounterState& counter) { return counter.pending.has_value(); };
  return std::ranges::any_of(model::computed_from(site, point), [&](PointId id) {
    const model::PointState& known = state.points.at(index(id));
    return waits(known.counter) || std::ranges::any_of(known.derived.inputs, waits, &model::DerivedInputState::counter);
  });
}

// Whether the live counter, and what it has in the open quarter hour, is that of the order of time.
bool goes_on_as(const model::PointState& live, const model::PointState& played) {
  const auto open = [](const model::PointState& state) {
    return state.open ? std::tuple(state.open->begin, state.open->amount, state.open->covered)
                      : std::tuple<Instant, model::Activity, Duration>{};
  };
  return pipeline::same_course(live.counter, played.counter) && open(live) == open(played);
}

}  // namespace

// Before the first reading kept there is no telling; nor in the quarter hours that it and its successor begin in.
void Replay::lacks_lead(const WindowReadings& window) {
  const Instant first = window.first_kept();
  reach_[&window] = first == Instant::max() ? first : calendar_.period(model::Period::quarter_hour, first).end + 15min;
}

Instant Replay::reach(const WindowReadings& window) const {
  const auto by_readings = reach_.find(&window);
  return std::max(by_readings == reach_.end() ? Instant::min() : by_readings->second, live_.reach(window.point().id));
}

bool Replay::is_own(const WindowReadings& window, model::AccountId account, const model::EmissionEntry& entry) const {
  return compares(window, entry.begin, entry.end) && entry.begin >= reach(window) &&
         site_.accounts.at(model::index(account)).source == window.point().id;  // else of what it is computed from
}

// With what was said of the factors that its accounts are counted by.
std::vector<StoredReading> Replay::in_order(const WindowReadings& window) const {
  std::vector<StoredReading> readings = live_.readings_for(window.point().id);
  if (readings.empty()) return window.in_order();
  const std::vector<StoredReading> own = window.in_order();
  readings.insert(readings.end(), own.begin(), own.end());
  std::ranges::sort(readings, {}, [](const StoredReading& r) { return std::pair(r.at, r.sequence); });
  return readings;
}

// Not where the journal no longer tells it, or repairs have the readings other values.
const model::PointState* Replay::live_to_compare(const WindowReadings& window) const {
  const auto& live = window.window().live;
  if (!live || reach_.contains(&window) || window.repair_of(window.begin(), *live->last_at)) return nullptr;
  return &*live;
}

Played Replay::play(const WindowReadings& window, std::uint64_t behind, const Take& take) {
  pipeline::Pipeline pipeline(site_, factors_, {}, pipeline::Pipeline::Order::of_time);
  const PointId point = window.point().id;
  const Instant enough = std::min(window.window().to, window.window().closed_until);
  std::optional<bool> open_at_end;
  std::optional<Instant> until;
  const model::PointState* live = behind == kEverything ? live_to_compare(window) : nullptr;
  std::optional<bool> as_live;
  const auto compare = [&] {
    as_live = goes_on_as(*live, pipeline.state().points.at(index(point)));
    live = nullptr;
  };
  std::vector<Batch> batches;
  const auto flush = [&] {
    if (batches.empty()) return;
    for (model::JournalRow& row : pipeline.ingest(batches, batches.back().received).rows) {
      auto* entry = row.body.get_if<model::EmissionEntry>();
      if (entry && is_own(window, std::get<model::AccountId>(row.subject), *entry)) {
        take(std::get<model::AccountId>(row.subject), *entry);
      }
    }
    batches.clear();
  };
  for (const StoredReading& stored : in_order(window)) {
    if (stored.left_out && stored.sequence > behind) continue;
    const bool same_instant = !batches.empty() && batches.back().received == stored.at;
    if (!same_instant && (stored.at >= enough || batches.size() == kReadingsPerCall)) flush();
    if (!same_instant && stored.at >= enough) {  // one by one, until all is closed
      if (!open_at_end) open_at_end = in_doubt(site_, pipeline.state(), point);
      if (!until && pipeline.counted_until(point) >= enough) until = pipeline.counted_until(point);
      if (live && stored.at > live->last_at) compare();
      if (until && !live) break;
    }
    if (!same_instant) batches.push_back({.source = {}, .received = stored.at, .readings = {}, .settled = {}});
    batches.back().readings.push_back(
        {.point = stored.point, .hj212_flag = stored.hj212_flag, .at = stored.at, .value = stored.value});
    ++readings_;
  }
  flush();
  if (live) compare();
  if (!until) until = pipeline.counted_until(point);
  return {.until = until.value_or(Instant::min()),
          .in_doubt = in_doubt(site_, pipeline.state(), point),
          .open_at_end = open_at_end.value_or(false),
          .as_live = as_live};
}

}  // namespace carbongate::app

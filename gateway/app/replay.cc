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
constexpr int kPlaysMax = 8;  // without what was found wrong; the second finds nothing, as a rule

// Its own counter, or that of anything it is computed from.
bool in_doubt(const model::Site& site, const model::Checkpoint& state, PointId point) {
  const auto waits = [](const model::CounterState& counter) { return counter.pending.has_value(); };
  return std::ranges::any_of(model::computed_from(site, point), [&](PointId id) {
    const model::PointState& known = state.points.at(index(id));
    return waits(known.counter) || std::ranges::any_of(known.derived.inputs, waits, &model::DerivedInputState::counter);
  });
}

// Its own counter, or that of anything it is computed from, can find wrong what it has counted.
bool follows_counter(const model::Site& site, PointId point) {
  return std::ranges::any_of(model::computed_from(site, point),
                             [&](PointId id) { return site.points.at(index(id)).kind == Kind::cumulative; });
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
  Wrong wrong;
  Once once = play_without_wrong(window, {.left_out = behind}, wrong);
  wrong_.erase({&window, behind});
  if (!wrong.readings.empty()) wrong_[{&window, behind}] = std::move(wrong);
  readings_ += once.readings;
  for (Entry& found : once.entries) take(found.account, found.entry);
  return once.played;
}

std::pair<Played, std::vector<Replay::Made>> Replay::results(const WindowReadings& window, std::uint64_t through) {
  Wrong ignored;
  Once once = play_without_wrong(window, {.through = through, .results = true}, ignored);
  return {once.played, std::move(once.results)};
}

Replay::Once Replay::play_without_wrong(const WindowReadings& window, const Asked& asked, Wrong& wrong) {
  Once once = play_once(window, asked, {});
  if (once.wrong.empty()) return once;
  for (const Entry& with : once.entries) {
    wrong.counted[{with.account, with.entry.begin}] = {with.entry.amount, with.entry.covered};
  }
  for (int more = 0; !once.wrong.empty() && more < kPlaysMax; ++more) {
    wrong.readings.insert(wrong.readings.end(), once.wrong.begin(), once.wrong.end());
    once = play_once(window, asked, wrong.readings);
  }
  return once;
}

std::optional<Replay::WithWrong> Replay::with_wrong(const WindowReadings& window, std::uint64_t behind,
                                                    model::AccountId account, Instant begin, Instant end) const {
  const auto known = wrong_.find({&window, behind});
  if (known == wrong_.end()) return std::nullopt;
  const auto& [readings, counted] = known->second;
  const auto touches = [&](const model::FoundWrong& wrong) {
    return wrong.from < end && begin < window.settled(wrong.decided);
  };
  const auto reading = std::ranges::find_if(readings, touches);
  if (reading == readings.end()) return std::nullopt;
  const auto found = counted.find({account, begin});
  if (found == counted.end()) return WithWrong{.reading = &*reading, .amount = {}, .covered = {}};
  return WithWrong{.reading = &*reading, .amount = found->second.first, .covered = found->second.second};
}

// Each entry is made of what lies in front of it: one reading has to be counted behind those that decide it, for the
// newest may be found wrong by the next.
Replay::Once Replay::play_once(const WindowReadings& window, const Asked& asked,
                               std::span<const model::FoundWrong> wrong) {
  pipeline::Pipeline pipeline(site_, factors_, {}, pipeline::Pipeline::Order::of_time);
  const PointId point = window.point().id;
  const Instant enough = std::min(window.window().to, window.window().closed_until);
  const bool counts_up = follows_counter(site_, point);
  std::optional<bool> open_at_end;
  std::optional<Instant> until;
  Once out;
  const model::PointState* live = !asked.results && asked.left_out == kEverything ? live_to_compare(window) : nullptr;
  std::optional<bool> as_live;
  const auto compare = [&] {
    as_live = goes_on_as(*live, pipeline.state().points.at(index(point)));
    live = nullptr;
  };
  const auto keep_result = [&](const model::JournalRow& row) {
    const auto* result = row.body.get_if<model::JudgedReading>();
    if (!result) return;
    const auto of = std::get<PointId>(row.subject);
    const bool is_input = std::ranges::any_of(window.tracks(), [of](const Track& t) { return t.point().id == of; });
    if (is_input || window.makes(of)) out.results.push_back({of, *result});
  };
  const auto note_result = [&](const model::JournalRow& row) {
    const auto* result = row.body.get_if<model::JudgedReading>();
    if (!result || !usable(result->quality) || !window.is_computed()) return;
    const auto of = std::get<PointId>(row.subject);
    if (window.makes(of)) out.played.results[of].push_back(result->at);
  };
  std::vector<Batch> batches;
  const auto flush = [&] {
    if (batches.empty()) return;
    model::Effects effects = pipeline.ingest(batches, batches.back().received);
    for (model::JournalRow& row : effects.rows) {
      auto* entry = row.body.get_if<model::EmissionEntry>();
      note_result(row);
      if (asked.results) {
        keep_result(row);
      } else if (entry && is_own(window, std::get<model::AccountId>(row.subject), *entry)) {
        out.entries.push_back({std::get<model::AccountId>(row.subject), std::move(*entry)});
      }
    }
    out.wrong.insert(out.wrong.end(), effects.found_wrong.begin(), effects.found_wrong.end());
    batches.clear();
  };
  const auto is_wrong = [&](const StoredReading& stored) {
    return std::ranges::any_of(wrong, [&](const model::FoundWrong& found) {
      return stored.point == found.point && found.first <= stored.at && stored.at <= found.last;
    });
  };
  const auto may_be_wrong = [&] { return counts_up && pipeline.counted_until(point) <= until; };
  for (const StoredReading& stored : in_order(window)) {
    const bool is_asked_for =
        stored.sequence <= asked.through && (!stored.left_out || stored.sequence <= asked.left_out);
    if (!is_asked_for || is_wrong(stored)) continue;
    const bool same_instant = !batches.empty() && batches.back().received == stored.at;
    if (!same_instant && (stored.at >= enough || batches.size() == kReadingsPerCall)) flush();
    if (!same_instant && stored.at >= enough) {  // one by one, until all is closed
      if (!open_at_end) open_at_end = in_doubt(site_, pipeline.state(), point);
      if (!until && pipeline.counted_until(point) >= enough) until = pipeline.counted_until(point);
      if (live && stored.at > live->last_at) compare();
      if (until && !live && !may_be_wrong()) break;
    }
    if (!same_instant) batches.push_back({.source = {}, .received = stored.at, .readings = {}, .settled = {}});
    batches.back().readings.push_back(
        {.point = stored.point, .hj212_flag = stored.hj212_flag, .at = stored.at, .value = stored.value});
    ++out.readings;
  }
  flush();
  if (live) compare();
  const bool is_reached = until.has_value();
  const bool doubts = in_doubt(site_, pipeline.state(), point);
  if (!until) until = pipeline.counted_until(point);
  out.played = {.until = until.value_or(Instant::min()),
                .in_doubt = doubts,
                .open_at_end = open_at_end.value_or(false),
                .may_be_wrong = is_reached && doubts && may_be_wrong(),
                .as_live = as_live,
                .results = std::move(out.played.results)};
  return out;
}

}  // namespace carbongate::app

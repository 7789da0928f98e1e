#include "gateway/app/results_again.h"

#include <utility>

#include "gateway/app/live_history.h"
#include "gateway/app/window_readings.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::app {

model::Result<std::vector<Replay::Made>> results_again(store::History& history, const model::Site& site,
                                                       const pipeline::FactorRegistry& factors,
                                                       std::span<const Repair> repairs, PointId point, Instant begin,
                                                       Instant end, std::uint64_t through) {
  pipeline::Calendar calendar(site.time_zone);
  WindowReadings window({.point = point, .from = begin, .to = end, .closed_until = end}, site, repairs, calendar);
  if (!window.makes(point)) return std::vector<Replay::Made>{};
  KnownLeads leads;
  WindowReadings* const one = &window;
  const auto read = [&] { return collect(history, {&one, 1}, leads, kNeverStop); };
  if (auto result = read(); result.has_error()) return result.error();
  if (!window.reach_around()) {
    if (auto result = read(); result.has_error()) return result.error();
  }
  const auto thinned = history.is_thinned();
  if (thinned.has_error()) return thinned.error();
  if (*thinned && !window.has_lead()) return std::vector<Replay::Made>{};  // what it followed from is no longer kept
  const LiveHistory live(site, factors);                                   // no factor is asked for
  Replay replay(site, factors, live);
  for (;;) {
    auto [played, results] = replay.results(window, through);
    if (window.counted(played, calendar)) return std::move(results);
    if (auto result = read(); result.has_error()) return result.error();
  }
}

}  // namespace carbongate::app

// Of class Gateway: late data become corrections by themselves. What is not restated yet is known from the points'
// states, which are committed with the readings: a restart goes on where it was.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "gateway/app/gateway.h"
#include "gateway/tables/local_time.h"

namespace carbongate::app {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr int kQuietTimesAtMost = 6;  // a device that is always late does not put it off for ever
constexpr Duration kLookEvery = 5s;
constexpr Duration kPauseAfterTrouble = 10min;

// On the worker's thread, from beginning to end.
asio::awaitable<model::Result<Recomputation>> recompute_there(const GatewayConfig& config,
                                                              const std::vector<Window>& windows, Instant now,
                                                              const std::atomic<bool>& stop, KnownLeads& leads) {
  auto history = store::History::open(config.store.path);
  if (history.has_error()) co_return history.error();
  co_return recompute(**history, config.site, config.factors, config.repairs, windows, now, stop, &leads);
}

asio::awaitable<model::Result<std::vector<model::AccountRollup>>> rollups_there(
    const GatewayConfig& config, std::span<const model::Amendment> amendments, const std::atomic<bool>& stop) {
  auto history = store::History::open(config.store.path);
  if (history.has_error()) co_return history.error();
  co_return rollups_of(**history, config.site, amendments, stop);
}

asio::awaitable<model::Result<std::vector<pipeline::LateJudgement>>> judgements_there(
    const GatewayConfig& config, std::span<const pipeline::LateWatch> late, const std::atomic<bool>& stop) {
  auto history = store::History::open(config.store.path);
  if (history.has_error()) co_return history.error();
  co_return judge_late_alerts(**history, config.site, config.factors, late, stop);
}

asio::awaitable<model::Result<std::vector<pipeline::LateReportJudgement>>> judgements_there(
    const GatewayConfig& config, std::span<const pipeline::LateStation> late, const std::atomic<bool>& stop) {
  auto history = store::History::open(config.store.path);
  if (history.has_error()) co_return history.error();
  co_return judge_late_reports(**history, config.site, config.factors, late, stop);
}

std::vector<model::Amendment> amendments_of(const std::vector<books::Difference>& differences, std::size_t& others) {
  std::vector<model::Amendment> amendments;
  for (const books::Difference& difference : differences) {
    if (difference.amendment.correction.correction->cause == model::Cause::late_data) {
      amendments.push_back(difference.amendment);
    } else {
      ++others;
    }
  }
  return amendments;
}

}  // namespace

asio::awaitable<void> Gateway::restate_late_data() {
  const Duration quiet = config_.corrections_quiet;
  const pipeline::Statistics& statistics = pipeline_.statistics();
  const auto count_late = [&statistics] {
    return statistics.by_rule[static_cast<std::size_t>(model::Rule::out_of_order)] + statistics.late_factor_values +
           statistics.late_rejected + statistics.late_inputs + statistics.late_for_alerts + statistics.found_wrong;
  };
  std::uint64_t seen = 0;
  io::SteadyTime last = clock_.ticks();
  io::SteadyTime first = last;
  io::SteadyTime pause_until = last;
  bool in_round = false;
  while (!stopping_) {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    co_await clock_.sleep_until(clock_.ticks() + std::min(kLookEvery, quiet / 4));
    const io::SteadyTime now = clock_.ticks();
    if (const std::uint64_t late = count_late(); late != seen) {
      if (now - last >= quiet) first = now;
      seen = late;
      last = now;
    }
    const bool due = in_round || now - last >= quiet || now - first >= kQuietTimesAtMost * quiet;
    if (!due || now < pause_until || !committing_) continue;
    LateWork work = co_await late_work();
    in_round = !work.ends_round;
    first = now;
    try {
      if (!work.windows.empty()) co_await restate(work);
      if (!work.watches.empty()) co_await judge_late(work.watches);
      if (!work.stations.empty()) co_await judge_late(work.stations);
      co_await substitute_closed_hours();
    } catch (const std::exception& error) {
      if (stopping_) co_return;
      spdlog::warn("corrections: {}; trying again in {} min", error.what(),
                   std::chrono::duration_cast<std::chrono::minutes>(kPauseAfterTrouble).count());
      pause_until = now + kPauseAfterTrouble;
    }
  }
}

// Under the turn, so that everything up to `closed_until` is on disk. In rounds: those that are late again by the next
// pass do not put off the ones behind them.
asio::awaitable<Gateway::LateWork> Gateway::late_work() {
  co_await take_turn();
  LateWork work;
  const auto& points = pipeline_.state().points;
  for (std::size_t& i = next_late_point_; i < points.size() && work.windows.size() < kLatePointsAtOnce; ++i) {
    const auto point = static_cast<PointId>(i);
    const std::optional<model::LateData>& late = points[i].late;
    const auto closed_until = late ? pipeline_.counted_until(point) : std::nullopt;
    if (!closed_until) continue;
    const LateSlice slice = late_slice(point, points[i], *closed_until);
    const auto restated = restated_.find(point);
    const bool is_known = restated != restated_.end() && restated->second.late == *late;
    if (is_known && (!slice.closed || *closed_until < restated->second.again)) continue;
    pipeline_.begin_restating(point);
    work.windows.push_back(slice.window);
    work.all.emplace_back(point, *late);
    if (slice.closed) work.done.push_back(slice.settled);
  }
  for (const pipeline::LateWatch& watch : pipeline_.late_watches()) {
    if (work.watches.size() == kLatePointsAtOnce) break;
    if (model::index(watch.watch) < next_late_watch_) continue;
    work.watches.push_back(watch);
    next_late_watch_ = model::index(watch.watch) + 1;
  }
  work.ends_round = next_late_point_ == points.size() && work.watches.size() < kLatePointsAtOnce;
  if (work.ends_round) next_late_point_ = next_late_watch_ = 0;
  work.stations = pipeline_.late_stations();
  pass_turn();
  co_return work;
}

asio::awaitable<void> Gateway::judge_late(std::span<const pipeline::LateWatch> watches) {
  auto there = judgements_there(config_, watches, stop_recomputing_);
  const auto judgements = co_await asio::co_spawn(worker_, std::move(there), asio::use_awaitable);
  if (judgements.has_error()) throw std::runtime_error(judgements.error().text);
  co_await tell_late(std::span<const pipeline::LateJudgement>(*judgements));
  std::size_t changes = 0;
  for (const pipeline::LateJudgement& judgement : *judgements) {
    changes += judgement.changes.size();
    if (!judgement.rest) continue;
    spdlog::info("late data: alerts of rule {} over {} are judged in parts; the next begins at {}",
                 config_.site.watches.at(model::index(judgement.of.watch)).rule,
                 config_.site.watches.at(model::index(judgement.of.watch)).user,
                 tables::LocalTime(config_.site.time_zone)(*judgement.rest));
  }
  if (changes != 0) spdlog::info("late data: {} changes of alerts", changes);
}

asio::awaitable<void> Gateway::judge_late(std::span<const pipeline::LateStation> stations) {
  auto there = judgements_there(config_, stations, stop_recomputing_);
  const auto judgements = co_await asio::co_spawn(worker_, std::move(there), asio::use_awaitable);
  if (judgements.has_error()) throw std::runtime_error(judgements.error().text);
  co_await tell_late(std::span<const pipeline::LateReportJudgement>(*judgements));
  for (const pipeline::LateReportJudgement& judgement : *judgements) {
    if (judgement.changes.empty()) continue;
    spdlog::info("late data: {} reports of station {} told again", judgement.changes.size(),
                 config_.site.stations.at(model::index(judgement.of.station)).name);
  }
}

// One transaction, as book().
template <class Judgement>
asio::awaitable<void> Gateway::tell_late(std::span<const Judgement> judgements) {
  co_await take_turn();
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  try {
    if (committing_) committing_ = co_await commit(pipeline_.told_late(judgements));
  } catch (...) {
    committing_ = false;
    fail(std::current_exception());
    pass_turn();
    throw;
  }
  pass_turn();
  rows_committed_.notify_all();
}

asio::awaitable<void> Gateway::restate(LateWork& work) {
  auto there = recompute_there(config_, work.windows, clock_.now(), stop_recomputing_, known_leads_);
  auto result = co_await asio::co_spawn(worker_, std::move(there), asio::use_awaitable);
  if (result.has_error()) throw std::runtime_error(result.error().text);
  const auto is_in_doubt = [&](PointId point) {
    return std::ranges::find(result->in_doubt, point) != result->in_doubt.end();
  };
  std::erase_if(work.done, [&](const model::LateDataSettled& settled) { return is_in_doubt(settled.point); });
  std::size_t others = 0;
  const std::vector<model::Amendment> amendments = amendments_of(result->differences, others);
  for (std::span<const model::Amendment> rest(amendments); !rest.empty();) {
    const auto now = rest.first(std::min(rest.size(), kAmendmentsPerCommit));
    rest = rest.subspan(now.size());
    if (stopping_ || !co_await book(now, {})) co_return;
    substitute_again(now);
  }
  // Before the late data count as settled: a start after this knows by them which hours may have lost their substitute.
  while (!stopping_ && committing_ && !co_await substitute_closed_hours()) {
  }
  if (stopping_ || !co_await book({}, work.done)) co_return;
  for (std::size_t i = 0; i < work.all.size(); ++i) {
    const auto& [point, late] = work.all[i];
    restated_[point] = {.late = late};
    if (is_in_doubt(point)) restated_[point].again = look_again_at(late, work.windows[i].closed_until);
  }
  for (const model::LateDataSettled& settled : work.done) restated_.erase(settled.point);
  if (!amendments.empty()) {
    spdlog::info("late data: {} corrections of {} points booked", amendments.size(), work.windows.size());
  }
  if (others != 0) {
    spdlog::warn(
        "late data: {} more entries differ by the present configuration or factors; 'carbongate restate' shows them",
        others);
  }
  if (result->reach) tell_out_of_reach(work, *result->reach);
}

// Once for the readings of a point, however many slices there are of them.
void Gateway::tell_out_of_reach(const LateWork& work, Instant reach) {
  for (const auto& [point, late] : work.all) {
    const auto [told, is_new] = told_out_of_reach_.try_emplace(point, 0);
    if (late.earliest >= reach || std::exchange(told->second, late.readings) == late.readings) continue;
    spdlog::warn(
        "late data of {}: of what came from times at which its readings are no longer kept (store.keep_readings) "
        "nothing is counted; 'carbongate restate --manual' enters what is known otherwise",
        config_.site.points.at(index(point)).full_name());
  }
}

// One transaction. Short reads of the store happen meanwhile; readings wait in the inbox. Not cancelled on the way: the
// pipeline would stand ahead of the store. What goes wrong before the pipeline has moved may be tried again; after that
// it is the gateway's failure, as when readings are counted.
asio::awaitable<bool> Gateway::book(std::span<const model::Amendment> amendments,
                                    std::span<const model::LateDataSettled> settled) {
  co_await take_turn();
  if (!committing_) {  // readings were given up meanwhile
    pass_turn();
    co_return false;
  }
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  bool moved = false;
  bool committed = false;
  try {
    auto there = rollups_there(config_, amendments, stop_recomputing_);
    const auto rollups = co_await asio::co_spawn(worker_, std::move(there), asio::use_awaitable);
    if (rollups.has_error()) throw std::runtime_error(rollups.error().text);
    moved = true;
    model::Effects effects = pipeline_.correct(amendments, *rollups, settled);
    committing_ = committed = co_await commit(std::move(effects));
  } catch (...) {
    if (moved) {
      committing_ = false;
      fail(std::current_exception());
    }
    pass_turn();
    throw;
  }
  pass_turn();
  if (committed) corrections_ += amendments.size();
  rows_committed_.notify_all();
  co_return committed;
}

}  // namespace carbongate::app

// Of class Gateway: what is heard while nobody knows the time is kept, and counted once it is known.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "gateway/app/gateway.h"
#include "gateway/tables/local_time.h"

namespace carbongate::app {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr const char* kNeverKnown =
    "readings from a run of the machine in which its time never became known stay uncounted (rule 'clock')";
constexpr std::uint64_t kRowsAtOnce = 4'096;
constexpr Duration kLookEvery = 1s;
constexpr Duration kStepTold = 1min;

// How long a message may be under way between its stamp and the pipeline.
constexpr Duration kUnderWay = 1min;

Duration course_of(const io::Clock& clock) {
  return clock.machine_now().time_since_epoch() - clock.ticks().time_since_epoch();
}

// Of a step that is believed, and followed.
void tell_step(Duration step, Duration ahead) {
  const std::string how =
      ahead < -kStepTold
          ? fmt::format("the time of readings goes at half speed until the two agree, in {} s", -2 * ahead / 1s)
          : "the time of readings has followed";
  spdlog::warn("the machine's clock was set {} by {} s; {}", step > Duration::zero() ? "ahead" : "back",
               std::chrono::abs(step) / 1s, how);
}

std::string text_of(Instant at, const std::string& zone) {
  return std::string(tables::LocalTime(zone)(at));
}

}  // namespace

asio::awaitable<void> Gateway::watch_clock() {
  bool was_known = true;
  Duration course = course_of(clock_);
  while (!stopping_) {
    const bool has_settled = clock_.settle();
    const Duration before = std::exchange(course, course_of(clock_));
    const Duration step = course - before;
    if (std::chrono::abs(step) > kStepTold && was_known && clock_.is_known()) {
      tell_step(step, clock_.machine_now() - clock_.now());
    }
    if (!clock_.is_known() && was_known) {
      spdlog::critical(
          "nobody knows the time: the machine's clock says {}, which cannot be right, and no time server vouches for "
          "it; readings are kept, and counted once the clock is set: check the time server, or run timedatectl "
          "set-time",
          text_of(clock_.machine_now(), config_.site.time_zone));
    }
    was_known = clock_.is_known();
    if (was_known && unknown_time_) {
      co_await take_turn();
      // Not cancelled on the way: the pipeline would stand ahead of the store.
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      try {
        if (unknown_time_ && committing_) co_await count_heard_again();
      } catch (...) {
        committing_ = false;
        pass_turn();
        throw;
      }
      pass_turn();
      co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    } else if (has_settled) {
      spdlog::warn("the time is known again: {}", text_of(clock_.now(), config_.site.time_zone));
    }
    co_await clock_.sleep_until(clock_.ticks() + kLookEvery);
  }
}

// Whoever calls has the turn. Each page is committed with how far it goes: a crash counts nothing twice.
asio::awaitable<void> Gateway::count_heard_again() {
  const model::UnknownTime unknown = *unknown_time_;
  if (unknown.boot != clock_.boot()) {
    spdlog::error(kNeverKnown);
    committing_ = co_await commit({.rows = {}, .points = {}, .accounts = {}, .unknown_time = {{}}});
    unknown_time_.reset();
    co_return;
  }
  const Restamp restamp(unknown, clock_.now().time_since_epoch() - clock_.ticks().time_since_epoch(), clock_.ticks());
  const HeardAgain heard_again(config_.site);
  std::uint64_t counted = 0;
  while (unknown_time_ && committing_ && !stopping_) {
    const std::uint64_t last = store_->status().last_sequence;
    const std::uint64_t after = unknown_time_->after;
    auto rows = co_await store_->readings_before(after + 1 + kRowsAtOnce, kRowsAtOnce);
    if (rows.has_error()) {  // the next look tries again
      spdlog::error("readings whose time is known now cannot be read yet: {}", rows.error().text);
      co_return;
    }
    std::span<const model::StoredRow> page = *rows;
    std::vector<Batch> batches = heard_again(page, restamp);
    while (page.size() > 1 && next_slice(batches).size() < batches.size()) {  // more than one transaction should hold
      page = page.first(page.size() / 2);
      batches = heard_again(page, restamp);
    }
    std::optional<model::UnknownTime> next = unknown_time_;
    next->after = page.size() == rows->size() ? after + kRowsAtOnce : page.back().sequence;
    if (next->after >= last) next.reset();
    model::Effects effects = pipeline_.ingest(batches, clock_.now());
    effects.unknown_time = next;
    for (const Batch& batch : batches) counted += batch.readings.size();
    committing_ = co_await commit(std::move(effects));
    if (committing_) unknown_time_ = next;
  }
  under_way_ = {restamp, clock_.ticks() + kUnderWay};
  spdlog::warn("the time is known: {}; {} readings that were heard before that got their times, {} s later than noted",
               text_of(clock_.now(), config_.site.time_zone), counted, restamp.off() / 1s);
  rows_committed_.notify_all();
}

// Whoever calls has the turn.
model::Effects Gateway::keep_apart(std::span<const Batch> batches) {
  model::Effects effects = pipeline_.keep_apart(batches);
  if (!unknown_time_ || unknown_time_->boot != clock_.boot()) {
    if (unknown_time_) spdlog::error(kNeverKnown);
    const Duration base = clock_.now().time_since_epoch() - clock_.ticks().time_since_epoch();
    Instant begin = clock_.now();
    for (const Batch& batch : batches) begin = std::min(begin, batch.received);
    unknown_time_ = {.boot = clock_.boot(), .begin = begin, .base = base, .after = store_->status().last_sequence};
    effects.unknown_time = unknown_time_;
  }
  return effects;
}

// What was stamped before the time was known, and comes only now.
std::vector<Batch> Gateway::restamped(std::span<const Batch> batches) const {
  std::vector<Batch> changed;
  if (!under_way_ || clock_.ticks() > under_way_->second) return changed;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    auto copy = under_way_->first(batches[i], clock_.now());
    if (copy && changed.empty()) changed.assign(batches.begin(), batches.end());
    if (copy) changed[i] = std::move(*copy);
  }
  return changed;
}

}  // namespace carbongate::app

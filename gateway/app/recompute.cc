#include "gateway/app/recompute.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "gateway/app/live_history.h"
#include "gateway/app/reasons.h"
#include "gateway/app/replay.h"
#include "gateway/app/window_readings.h"
#include "gateway/model/account_of.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/remainder.h"

namespace carbongate::app {

using namespace std::chrono_literals;

namespace {

using model::Period;
using store::History;

class Recomputing {
 public:
  Recomputing(History& history, const model::Site& site, const pipeline::FactorRegistry& factors,
              std::span<const Repair> repairs, std::span<const Window> windows, Instant now,
              const std::atomic<bool>& stop, KnownLeads* leads)
      : history_(history),
        site_(site),
        repairs_(repairs),
        calendar_(site.time_zone),
        now_(now),
        stop_(stop),
        leads_(leads ? *leads : own_leads_),
        live_(site, factors),
        replay_(site, factors, live_),
        reasons_(site, live_, replay_, window_of_account_) {
    for (const Window& window : windows) {
      windows_.emplace_back(window, site, repairs, calendar_);
    }
    for (const WindowReadings& window : windows_) {
      for (const model::Account& account : site.accounts) {
        if (account.source == window.point().id) window_of_account_[account.id] = &window;
      }
    }
  }

  model::Result<Recomputation> run() {
    if (windows_.empty()) return Recomputation{};
    const auto seen = history_.last_sequence();  // first: what comes while they are read may be missed
    if (seen.has_error()) return seen.error();
    if (const auto read = collect_all(); read.has_error()) return read.error();
    const auto thinned = history_.is_thinned();
    if (thinned.has_error()) return thinned.error();
    if (const auto heard = hear_factors(*thinned); heard.has_error()) return heard.error();
    for (WindowReadings& window : windows_) {
      if (*thinned && !window.has_lead()) replay_.lacks_lead(window);
      if (const auto counted = count(window, *thinned); counted.has_error()) return counted.error();
      out_.not_repaired += window.not_repaired();
    }
    out_.not_repaired += live_.not_repaired();
    if (const auto read = read_booked(); read.has_error()) return read.error();
    out_.entries = recomputed_.size();
    reasons_.booked(booked_);
    out_.differences = books::differences(
        booked_, recomputed_,
        [this](model::AccountId account, const model::EmissionEntry* known, const model::EmissionEntry* restated) {
          return reasons_.reason(account, known, restated);
        },
        now_);
    for (books::Difference& difference : out_.differences) {
      difference.amendment.correction.correction->readings_through = *seen;
      note_exchange(difference);
    }
    out_.readings = replay_.readings();
    out_.booked = std::move(booked_);
    return std::move(out_);
  }

 private:
  model::Result<void> collect_all() {
    std::vector<WindowReadings*> windows;
    for (WindowReadings& window : windows_) windows.push_back(&window);
    while (!windows.empty()) {
      if (auto result = collect(history_, windows, leads_, stop_); result.has_error()) return result;
      std::erase_if(windows,
                    [this](WindowReadings* window) { return window->widen(calendar_) && window->reach_around(); });
    }
    return {};
  }

  // As far as the windows reach by now.
  model::Result<void> hear_factors(bool thinned) { return live_.read(history_, windows_, repairs_, thinned, stop_); }

  // Until all of the window is counted. What is decided behind it belongs to it: there the factors are of other hours.
  model::Result<void> count(WindowReadings& window, bool thinned) {
    const std::size_t before = recomputed_.size();
    const auto keep = [&](model::AccountId account, model::EmissionEntry& entry) {
      recomputed_.push_back({account, std::move(entry)});
    };
    while (!stop_) {
      recomputed_.resize(before);
      const Played played = replay_.play(window, Replay::kEverything, keep);
      const Instant to = window.window().to;
      window.find_late_inputs(played);
      if (window.counted(played, calendar_)) {
        if (window.awaits_more() || played.as_live == false) out_.in_doubt.push_back(window.point().id);
        return {};
      }
      WindowReadings* const again = &window;
      if (auto read = collect(history_, {&again, 1}, leads_, stop_); read.has_error()) return read;
      if (window.window().to == to) continue;
      if (auto heard = hear_factors(thinned); heard.has_error()) return heard;
    }
    return model::Fault{make_error_code(boost::system::errc::operation_canceled), "stopped"};
  }

  model::Result<void> read_booked() {
    History::Range range{.from = Instant::max(), .to = Instant::min()};
    for (const WindowReadings& window : windows_) {
      range.from = std::min(*range.from, window.begin());
      range.to = std::max(*range.to, window.window().to);
    }
    model::AccountOf account_of(site_);
    const auto read = history_.each(History::What::entries, range, [&](const model::StoredRow& row) {
      const auto account = account_of(*row.series);
      const auto owner = account ? window_of_account_.find(*account) : window_of_account_.end();
      const auto* entry = row.body.get_if<model::EmissionEntry>();
      if (!entry || owner == window_of_account_.end()) return true;
      const WindowReadings& window = *owner->second;
      if (!Replay::compares(window, entry->begin, entry->end)) return true;
      const Instant kept = replay_.reach(window);
      if (entry->begin >= kept) {
        booked_.push_back({*account, *entry});
        reasons_.note_booked(*account, *entry, row.sequence);
      } else {
        ++out_.out_of_reach;
        out_.reach = std::max(out_.reach.value_or(kept), kept);
      }
      return true;
    });
    std::ranges::sort(booked_, {}, [](const model::AccountEntry& booked) {
      return std::tuple(booked.account, booked.entry.begin, booked.entry.revision);
    });
    return read;
  }

  void note_exchange(books::Difference& difference) {
    const model::Account& account = site_.accounts.at(model::index(difference.account));
    for (const model::Basis basis : model::kBases) {
      difference.amendment.exchange[basis] =
          live_.exchange(account, basis, difference.known, difference.restated ? &*difference.restated : nullptr);
    }
  }

  History& history_;
  const model::Site& site_;
  std::span<const Repair> repairs_;
  pipeline::Calendar calendar_;
  Instant now_;
  const std::atomic<bool>& stop_;
  KnownLeads own_leads_;
  KnownLeads& leads_;
  std::vector<WindowReadings> windows_;
  WindowOfAccount window_of_account_;
  LiveHistory live_;
  Replay replay_;
  Reasons reasons_;
  std::vector<model::AccountEntry> recomputed_;
  std::vector<model::AccountEntry> booked_;
  Recomputation out_;
};

}  // namespace

// A counter may go on by another course than in the order of time until it agrees: all that it counted so belongs to
// it. Of all else what is closed by now is settled, and the quarter hour that goes on is left: where readings are late
// all the time, each part of them is computed again once.
LateSlice late_slice(PointId point, const model::PointState& state, Instant counted_until) {
  const model::LateData& late = *state.late;
  const bool is_counter = state.counter.baseline && state.derived.inputs.empty();
  const Instant until = is_counter ? std::max(late.affects_until, counted_until) : late.affects_until;
  Instant end = std::min(until, late.earliest + kLateSlice);
  const Instant closed = std::chrono::floor<pipeline::Quarters>(counted_until);
  if (!is_counter && closed > late.earliest) end = std::min(end, closed);
  const bool last = end == until;
  LateSlice slice;
  slice.window = {.point = point, .from = late.earliest, .to = end, .closed_until = counted_until, .widen = true};
  slice.settled = {.point = point, .known = late, .left = {}};
  if (!last) {
    slice.settled.left = model::LateData{.earliest = end, .affects_until = until, .readings = late.readings};
  }
  slice.closed = counted_until >= end;
  if (last && slice.closed && is_counter) slice.window.live = state;
  return slice;
}

Instant look_again_at(const model::LateData& late, Instant counted_until) {
  return counted_until + std::max<Duration>(15min, (counted_until - late.affects_until) / 4);
}

model::Result<Recomputation> recompute(History& history, const model::Site& site,
                                       const pipeline::FactorRegistry& factors, std::span<const Repair> repairs,
                                       std::span<const Window> windows, Instant now, const std::atomic<bool>& stop,
                                       KnownLeads* leads) {
  return Recomputing(history, site, factors, repairs, windows, now, stop, leads).run();
}

model::Result<std::vector<model::AccountRollup>> rollups_of(History& history, const model::Site& site,
                                                            std::span<const model::Amendment> amendments,
                                                            const std::atomic<bool>& stop, std::uint64_t before) {
  pipeline::Calendar calendar(site.time_zone);
  std::set<model::AccountId> accounts;
  std::set<Instant> begins;
  std::set<Instant> days;
  for (const model::Amendment& amendment : amendments) {
    const Instant at = amendment.correction.begin;
    accounts.insert(amendment.account);
    begins.insert(calendar.period(Period::hour, at).begin);
    days.insert(calendar.period(Period::day, at).begin);
  }
  // And what they consist of.
  std::set<Instant> months;
  for (const Instant day : days) {
    for (Instant at = day; at < calendar.period(Period::day, day).end; at += 15min) begins.insert(at);
    months.insert(calendar.period(Period::month, day).begin);
  }
  std::set<Instant> years;
  const auto insert_parts = [&](Period period, Instant begin, Period part) {
    const Instant end = calendar.period(period, begin).end;
    for (Instant at = begin; at < end; at = calendar.period(part, at).end) begins.insert(at);
  };
  for (const Instant month : months) {
    insert_parts(Period::month, month, Period::day);
    years.insert(calendar.period(Period::year, month).begin);
  }
  for (const Instant year : years) insert_parts(Period::year, year, Period::month);

  model::AccountOf account_of(site);
  std::map<std::tuple<model::AccountId, Instant, Period>, model::RollupRow> newest;
  const std::vector<Instant> instants(begins.begin(), begins.end());
  const auto wanted = [&](const model::Series& series) {
    const auto account = account_of(series);
    return account && accounts.contains(*account);
  };
  const auto result = history.rollups_at(instants, wanted, [&](const model::StoredRow& row) {
    if (row.sequence >= before) return true;
    const auto& rollup = row.body.get<model::RollupRow>();
    model::RollupRow& known = newest[{*account_of(*row.series), rollup.begin, rollup.period}];
    if (rollup.revision >= known.revision) known = rollup;
    return !stop;
  });
  if (result.has_error()) return result.error();
  if (stop) return model::Fault{make_error_code(boost::system::errc::operation_canceled), "stopped"};
  std::vector<model::AccountRollup> rollups;
  for (auto& [key, row] : newest) rollups.push_back({std::get<model::AccountId>(key), std::move(row)});
  return rollups;
}

}  // namespace carbongate::app

#include "gateway/app/recompute.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "gateway/app/live_history.h"
#include "gateway/app/window_readings.h"
#include "gateway/books/layers.h"
#include "gateway/model/account_of.h"
#include "gateway/model/lineage.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/pipeline.h"

namespace carbongate::app {

using namespace std::chrono_literals;

namespace {

using model::Period;
using store::History;

constexpr std::size_t kReadingsPerCall = 4'096;
constexpr std::uint64_t kEverything = UINT64_MAX;
constexpr std::size_t kPlaysMax = 8;  // of one window without its late readings

using EntryKey = std::pair<model::AccountId, Instant>;

// Of an entry; where there is none nothing was moved nor watched.
struct Figures {
  model::Activity amount;
  Duration covered{};
};

// An earlier version carried what was left of a rate's amount on to the next quarter hour.
bool same_amount(const Figures& a, const Figures& b) {
  return std::abs((a.amount - b.amount).quanta()) <= 1;
}

// What the accounts of one point would be had no more come late than what lies in front of a place in the journal.
struct WithoutLate {
  bool is_sure = false;
  Instant closed_until = Instant::min();
  std::map<EntryKey, Figures> figures;
};

// Its own counter, or that of anything it is computed from.
bool in_doubt(const model::Site& site, const model::Checkpoint& state, PointId point) {
  const auto waits = [](const model::CounterState& counter) { return counter.pending.has_value(); };
  return std::ranges::any_of(model::computed_from(site, point), [&](PointId id) {
    const model::PointState& known = state.points.at(index(id));
    return waits(known.counter) || std::ranges::any_of(known.derived.inputs, waits, &model::DerivedInputState::counter);
  });
}

class Recomputing {
 public:
  Recomputing(History& history, const model::Site& site, const pipeline::FactorRegistry& factors,
              std::span<const Repair> repairs, std::span<const Window> windows, Instant now,
              const std::atomic<bool>& stop, KnownLeads* leads)
      : history_(history),
        site_(site),
        factors_(factors),
        repairs_(repairs),
        calendar_(site.time_zone),
        now_(now),
        stop_(stop),
        leads_(leads ? *leads : own_leads_),
        live_(site, factors) {
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
    const auto heard = live_.read(history_, windows_, repairs_, *thinned, stop_);
    if (heard.has_error()) return heard.error();
    out_.not_repaired += live_.not_repaired();
    for (WindowReadings& window : windows_) {
      if (stop_) return model::Fault{make_error_code(boost::system::errc::operation_canceled), "stopped"};
      if (*thinned && !window.has_lead()) reach_[&window] = reach_of(window);
      const auto keep = [&](model::AccountId account, model::EmissionEntry& entry) {
        recomputed_.push_back({account, std::move(entry)});
      };
      const std::size_t before = recomputed_.size();
      for (Played played = play(window, kEverything, keep); !window.counted(played, calendar_);) {
        WindowReadings* const again = &window;
        if (auto read = collect(history_, {&again, 1}, leads_, stop_); read.has_error()) return read.error();
        recomputed_.resize(before);
        played = play(window, kEverything, keep);
      }
      if (window.awaits_more()) out_.in_doubt.push_back(window.point().id);
      out_.not_repaired += window.not_repaired();
    }
    if (const auto read = read_booked(); read.has_error()) return read.error();
    out_.entries = recomputed_.size();
    out_.differences = books::differences(
        booked_, recomputed_,
        [this](model::AccountId account, const model::EmissionEntry* known, const model::EmissionEntry* restated) {
          return reason(account, known, restated);
        },
        now_);
    for (books::Difference& difference : out_.differences) {
      difference.amendment.correction.correction->readings_through = *seen;
      note_exchange(difference);
    }
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

  // Before the first reading kept there is no telling; nor in the quarter hours that it and its successor begin in.
  Instant reach_of(const WindowReadings& window) {
    const Instant first = window.first_kept();
    return first == Instant::max() ? first : calendar_.period(Period::quarter_hour, first).end + 15min;
  }

  static bool compared(const WindowReadings& window, Instant begin, Instant end) {
    return begin >= window.begin() && begin < window.window().to && end <= window.window().closed_until;
  }
  // From when on the accounts of its point can be computed again.
  Instant reach(const WindowReadings& window) const {
    const auto by_readings = reach_.find(&window);
    return std::max(by_readings == reach_.end() ? Instant::min() : by_readings->second, live_.reach(window.point().id));
  }

  // With what was said of the factors that its accounts are counted by.
  std::vector<StoredReading> in_order(const WindowReadings& window) const {
    std::vector<StoredReading> readings = live_.readings_for(window.point().id);
    if (readings.empty()) return window.in_order();
    const std::vector<StoredReading> own = window.in_order();
    readings.insert(readings.end(), own.begin(), own.end());
    std::ranges::sort(readings, {}, [](const StoredReading& r) { return std::pair(r.at, r.sequence); });
    return readings;
  }

  // Readings of one instant go in together, as one poll or message brought them. Of what was left out of the live
  // accounts only what lies in front of `behind`.
  template <class Take>
  Played play(const WindowReadings& window, std::uint64_t behind, const Take& take) {
    pipeline::Pipeline pipeline(site_, factors_, {});
    const PointId point = window.point().id;
    const Instant enough = std::min(window.window().to, window.window().closed_until);
    std::optional<bool> open_at_end;
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
        if (pipeline.counted_until(point).value_or(Instant::min()) >= enough) break;
      }
      if (!same_instant) batches.push_back({.source = {}, .received = stored.at, .readings = {}, .settled = {}});
      batches.back().readings.push_back(
          {.point = stored.point, .hj212_flag = stored.hj212_flag, .at = stored.at, .value = stored.value});
      ++out_.readings;
    }
    flush();
    return {.until = pipeline.counted_until(point).value_or(Instant::min()),
            .in_doubt = in_doubt(site_, pipeline.state(), point),
            .open_at_end = open_at_end.value_or(false)};
  }

  bool is_own(const WindowReadings& window, model::AccountId account, const model::EmissionEntry& entry) const {
    if (!compared(window, entry.begin, entry.end) || entry.begin < reach(window)) return false;
    const auto owner = window_of_account_.find(account);
    return owner != window_of_account_.end() && owner->second == &window;  // else of what it is computed from
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
      if (!compared(window, entry->begin, entry->end)) return true;
      const Instant kept = reach(window);
      if (entry->begin >= kept) {
        booked_.push_back({*account, *entry});
        if (is_restated(*entry)) {
          if (entry->correction->cause == model::Cause::configuration) {
            configured_.emplace(*account, entry->correction->note);
          }
          std::uint64_t& newest = corrected_at_[{*account, entry->begin}];
          const std::uint64_t through = entry->correction->readings_through;
          newest = std::max(newest, through != 0 ? through : row.sequence);
          std::uint64_t& last = restated_last_[&window];
          last = std::max(last, newest);
        }
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

  // In what is compared. The note has its reason, beside that of whoever booked it.
  bool is_booked(const Repair& repair, model::AccountId account) const {
    return std::ranges::any_of(configured_, [&](const auto& of) {
      return of.first == account && of.second.find(repair.reason) != std::string::npos;
    });
  }

  // What stands beside the readings says nothing of which of them were there.
  static bool is_restated(const model::EmissionEntry& entry) {
    if (!entry.correction) return false;
    const model::Cause cause = entry.correction->cause;
    return cause == model::Cause::late_data || cause == model::Cause::configuration || cause == model::Cause::factor;
  }

  // What one amount gives by another factor, or by another value of the same.
  static bool differ_by_factor(const model::EmissionEntry& known, const model::EmissionEntry& restated) {
    if (known.amount != restated.amount || known.covered != restated.covered) return false;
    return !books::same_factors(known, restated) ||
           books::comparable(known.quality) == books::comparable(restated.quality);
  }

  books::Reason reason(model::AccountId account, const model::EmissionEntry* known,
                       const model::EmissionEntry* restated) {
    const WindowReadings& window = *window_of_account_.at(account);
    if (known && restated && differ_by_factor(*known, *restated)) {
      return reason_of_factor(site_.accounts.at(model::index(account)), *known, *restated);
    }
    books::Reason reason = reason_of_amount(window, account, known, restated);
    if (known && restated && !books::same_factors(*known, *restated)) {
      reason.note += "; and another factor: " + factor_change(*known, *restated);
    }
    return reason;
  }

  // The cause is that of the amount; the factor, where it differs as well, stands in the note. A repair waits for a
  // person; once it is booked, and of what is not in the books yet, what comes late is late data like any other.
  books::Reason reason_of_amount(const WindowReadings& window, model::AccountId account,
                                 const model::EmissionEntry* known, const model::EmissionEntry* restated) {
    const model::EmissionEntry& entry = restated ? *restated : *known;
    const bool late = window.holds_late(entry.begin, entry.end);
    const Repair* repair = window.repair_of(entry.begin, entry.end);
    if (repair && known && !is_booked(*repair, account)) return {model::Cause::configuration, repair->reason, late};
    const auto corrected = corrected_at_.find({account, entry.begin});
    const std::uint64_t behind = corrected == corrected_at_.end() ? 0 : corrected->second;
    if (window.late_touches(entry.begin, entry.end, behind) &&
        follows_from_late(window, account, entry, restated != nullptr, behind)) {
      return {model::Cause::late_data, "late readings of " + window.point().full_name(), true};
    }
    if (repair) return {model::Cause::configuration, repair->reason, late};
    return {model::Cause::configuration, "by the present configuration of " + window.point().full_name(), late};
  }

  // Of what late readings behind that place touch: whether the books have what follows from all others. Else a
  // difference is there without them, by another configuration than it was booked by. Where there is no telling it is
  // theirs, for they came; of more places than are played it is as of the others.
  bool follows_from_late(const WindowReadings& window, model::AccountId account, const model::EmissionEntry& entry,
                         bool is_closed, std::uint64_t behind) {
    if (window.is_computed()) return true;  // live results wait for what is late of an input, in ways of their own
    if (window.late_counted(entry.begin, entry.end, behind)) return true;
    const Figures booked = booked_figures(account, entry.begin);
    auto& plays = without_late_[&window];
    const auto last = restated_last_.find(&window);
    // What a restatement agreed with it does not say.
    for (const std::uint64_t place : {behind, last == restated_last_.end() ? behind : last->second}) {
      if (!plays.contains(place) && plays.size() == kPlaysMax) return !contradicted_.contains(&window);
      const WithoutLate& without = this->without_late(window, place);
      if (!without.is_sure) return true;
      if (without.closed_until < entry.end) return is_closed;  // else that is so with them, too
      const auto found = without.figures.find({account, entry.begin});
      const Figures figures = found == without.figures.end() ? Figures{} : found->second;
      if (same_amount(booked, figures) && booked.covered == figures.covered) return true;
    }
    contradicted_.insert(&window);
    return false;
  }

  const WithoutLate& without_late(const WindowReadings& window, std::uint64_t behind) {
    const auto [known, is_new] = without_late_[&window].try_emplace(behind);
    WithoutLate& without = known->second;
    if (!is_new) return without;
    without.is_sure = window.has_lead_without(behind);
    if (!without.is_sure) return without;
    const auto take = [&](model::AccountId account, const model::EmissionEntry& entry) {
      without.figures[{account, entry.begin}] = {entry.amount, entry.covered};
    };
    without.closed_until = play(window, behind, take).until;
    return without;
  }

  // Without what stands beside it.
  Figures booked_figures(model::AccountId account, Instant begin) const {
    const auto key = [](const model::AccountEntry& booked) { return EntryKey(booked.account, booked.entry.begin); };
    std::vector<model::EmissionEntry> revisions;
    for (const auto& booked : std::ranges::equal_range(booked_, EntryKey(account, begin), {}, key)) {
      revisions.push_back(booked.entry);
    }
    if (revisions.empty()) return {};
    const books::Layers layers = books::layers_of(revisions);
    return layers.has_computed ? Figures{layers.computed.amount, layers.computed.covered} : Figures{};
  }

  // Of a live series the value may have come late, or be repaired; all else is another factor.
  books::Reason reason_of_factor(const model::Account& account, const model::EmissionEntry& known,
                                 const model::EmissionEntry& restated) const {
    const std::string change = factor_change(known, restated);
    std::string late_from;
    std::string revised;
    bool all_late = known.coal_factor_id == restated.coal_factor_id;
    const auto look = [&](model::Basis basis, const model::Emission& before, const model::Emission& after) {
      if (live_.came_late(account, basis, known.begin, before, after)) {
        late_from = live_.source_of(account, basis);
      } else if (before.factor_id != after.factor_id || before.factor_version != after.factor_version) {
        all_late = false;
      } else if (const std::string now = live_.revision_of(account, basis, known.begin, after.factor_id);
                 !now.empty() && revised.empty() && before.emitted != after.emitted) {
        revised = "revised value of " + live_.source_of(account, basis) + ": " + now;
      }
      return live_.repair_of(account, basis, after);
    };
    const Repair* repair = look(model::Basis::primary, known.primary, restated.primary);
    if (restated.market) {
      static const model::Emission kNone;
      const Repair* of_market = look(model::Basis::market, known.market ? *known.market : kNone, *restated.market);
      if (!repair) repair = of_market;
    }
    if (all_late && !late_from.empty()) {
      return {model::Cause::late_data, "late values of " + late_from + ": " + change};
    }
    if (all_late && !revised.empty()) return {model::Cause::late_data, revised};
    if (repair) return {model::Cause::configuration, repair->reason};
    return {model::Cause::factor, change};
  }

  void note_exchange(books::Difference& difference) {
    const model::Account& account = site_.accounts.at(model::index(difference.account));
    for (const model::Basis basis : model::kBases) {
      difference.amendment.exchange[basis] =
          live_.exchange(account, basis, difference.known, difference.restated ? &*difference.restated : nullptr);
    }
  }

  // What differs; where nothing that has a name does, the value itself was changed.
  static std::string factor_change(const model::EmissionEntry& known, const model::EmissionEntry& restated) {
    const auto text = [](const model::Emission& e) {
      if (e.factor_id.empty()) return std::string("none");
      return e.factor_id + " " + e.factor_version + (e.gwp_set.empty() ? "" : " by " + e.gwp_set);
    };
    const auto coal = [](const model::EmissionEntry& e) {
      return e.coal_factor_id.empty() ? "none" : e.coal_factor_id;
    };
    std::string note;
    const auto add = [&](std::string_view what, const std::string& before, const std::string& after) {
      if (before != after) note += (note.empty() ? "" : "; ") + std::string(what) + before + " -> " + after;
    };
    const auto change = [&](std::string_view what, const model::Emission& before, const model::Emission& after) {
      const bool same_factor = before.factor_id == after.factor_id && before.factor_version == after.factor_version;
      const bool unstated = same_factor && before.gwp_set.empty() && !after.gwp_set.empty();
      add(what, text(before) + (unstated ? " by a GWP set not stated" : ""), text(after));
    };
    static const model::Emission kNone;
    change("", known.primary, restated.primary);
    change("market-based ", known.market ? *known.market : kNone, restated.market ? *restated.market : kNone);
    add("standard coal ", coal(known), coal(restated));
    return note.empty() ? "another value of " + text(restated.primary) : note;
  }

  History& history_;
  const model::Site& site_;
  const pipeline::FactorRegistry& factors_;
  std::span<const Repair> repairs_;
  pipeline::Calendar calendar_;
  Instant now_;
  const std::atomic<bool>& stop_;
  KnownLeads own_leads_;
  KnownLeads& leads_;
  std::vector<WindowReadings> windows_;
  std::map<model::AccountId, const WindowReadings*> window_of_account_;
  std::map<const WindowReadings*, Instant> reach_;
  LiveHistory live_;
  std::map<EntryKey, std::uint64_t> corrected_at_;                 // readings that a restatement considered
  std::set<std::pair<model::AccountId, std::string>> configured_;  // notes of corrections of that cause
  std::map<const WindowReadings*, std::uint64_t> restated_last_;   // the newest of these
  std::map<const WindowReadings*, std::map<std::uint64_t, WithoutLate>> without_late_;
  std::set<const WindowReadings*> contradicted_;  // the books have something else than what follows without them
  std::vector<model::AccountEntry> recomputed_;
  std::vector<model::AccountEntry> booked_;
  Recomputation out_;
};

}  // namespace

LateSlice late_slice(PointId point, const model::LateData& late, Instant counted_until) {
  const bool last = late.affects_until - late.earliest <= kLateSlice;
  const Instant end = last ? late.affects_until : late.earliest + kLateSlice;
  LateSlice slice;
  slice.window = {.point = point, .from = late.earliest, .to = end, .closed_until = counted_until, .widen = true};
  slice.settled = {.point = point, .known = late, .left = {}};
  if (!last) {
    slice.settled.left =
        model::LateData{.earliest = end, .affects_until = late.affects_until, .readings = late.readings};
  }
  slice.closed = counted_until >= end;
  return slice;
}

Instant look_again_at(const Window& window) {
  return window.closed_until + std::max<Duration>(15min, (window.closed_until - window.to) / 4);
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

#include "gateway/app/recompute.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "gateway/app/window_readings.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/pipeline.h"

namespace carbongate::app {

using namespace std::chrono_literals;

namespace {

using model::Period;
using store::History;

constexpr std::size_t kReadingsPerCall = 4'096;

using AccountName = std::tuple<std::string, std::string, std::string, std::string>;  // user, carrier, device, point

class AccountOf {
 public:
  explicit AccountOf(const model::Site& site) {
    for (const model::Account& account : site.accounts) {
      const Point& point = site.points.at(index(account.source));
      by_name_.emplace(AccountName{account.user, account.carrier->id, point.device, point.name}, account.id);
    }
  }
  std::optional<model::AccountId> operator()(const model::Series& series) {
    const auto [known, is_new] = by_series_.try_emplace(&series);
    if (is_new) {
      const auto found = by_name_.find({series.user, series.carrier, series.device, series.point});
      if (found != by_name_.end()) known->second = found->second;
    }
    return known->second;
  }

 private:
  std::map<AccountName, model::AccountId> by_name_;
  std::unordered_map<const model::Series*, std::optional<model::AccountId>> by_series_;
};

class Recomputing {
 public:
  Recomputing(History& history, const model::Site& site, const pipeline::FactorRegistry& factors,
              std::span<const Repair> repairs, std::span<const Window> windows, Instant now,
              const std::atomic<bool>& stop)
      : history_(history), site_(site), factors_(factors), calendar_(site.time_zone), now_(now), stop_(stop) {
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
    if (const auto read = collect_all(); read.has_error()) return read.error();
    const auto thinned = history_.is_thinned();
    if (thinned.has_error()) return thinned.error();
    for (const WindowReadings& window : windows_) {
      if (stop_) return model::Fault{make_error_code(boost::system::errc::operation_canceled), "stopped"};
      if (*thinned && !window.has_lead()) reach_[&window] = reach_of(window);
      play(window);
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
    std::erase_if(out_.differences, [this](const books::Difference& difference) { return is_rounding(difference); });
    out_.booked = std::move(booked_);
    return std::move(out_);
  }

 private:
  model::Result<void> collect_all() {
    std::vector<WindowReadings*> windows;
    for (WindowReadings& window : windows_) windows.push_back(&window);
    while (!windows.empty()) {
      if (auto result = collect(history_, windows, stop_); result.has_error()) return result;
      std::erase_if(windows, [this](WindowReadings* window) { return window->widen(calendar_); });
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
  bool within_reach(const WindowReadings& window, Instant begin) const {
    const auto reach = reach_.find(&window);
    return reach == reach_.end() || begin >= reach->second;
  }

  // Readings of one instant go in together, as one poll or message brought them.
  void play(const WindowReadings& window) {
    pipeline::Pipeline pipeline(site_, factors_, {});
    const Instant enough = std::min(window.window().to, window.window().closed_until);
    std::vector<Batch> batches;
    const auto flush = [&] {
      if (batches.empty()) return;
      for (model::JournalRow& row : pipeline.ingest(batches, batches.back().received).rows) take(window, row);
      batches.clear();
    };
    for (const StoredReading& stored : window.in_order()) {
      const bool same_instant = !batches.empty() && batches.back().received == stored.at;
      if (!same_instant && (stored.at >= enough || batches.size() == kReadingsPerCall)) flush();
      if (!same_instant && stored.at >= enough) {  // one by one, until all is closed
        if (pipeline.counted_until(window.point().id).value_or(Instant::min()) >= enough) break;
      }
      if (!same_instant) batches.push_back({.source = {}, .received = stored.at, .readings = {}, .settled = {}});
      batches.back().readings.push_back({.point = stored.point, .at = stored.at, .value = stored.value});
      ++out_.readings;
    }
    flush();
  }

  void take(const WindowReadings& window, model::JournalRow& row) {
    auto* entry = std::get_if<model::EmissionEntry>(&row.body);
    if (!entry || !compared(window, entry->begin, entry->end) || !within_reach(window, entry->begin)) return;
    const auto account = std::get<model::AccountId>(row.subject);
    const auto owner = window_of_account_.find(account);
    if (owner == window_of_account_.end() || owner->second != &window) return;  // of what it is computed from
    recomputed_.push_back({account, std::move(*entry)});
  }

  // The counter of a derived point begins at its first reading, and a fresh one elsewhere: its steps may differ by the
  // remainder that is carried, in the last place.
  bool is_rounding(const books::Difference& difference) const {
    if (!window_of_account_.at(difference.account)->point().computed || !difference.restated) return false;
    if (!difference.published && difference.known.amount == model::Activity{}) return false;
    constexpr std::int64_t kQuanta = 2;
    const std::int64_t off = difference.restated->amount.quanta() - difference.known.amount.quanta();
    return off >= -kQuanta && off <= kQuanta && difference.restated->covered == difference.known.covered &&
           books::same_factors(difference.known, *difference.restated) &&
           books::comparable(difference.known.quality) == books::comparable(difference.restated->quality);
  }

  model::Result<void> read_booked() {
    History::Range range{.from = Instant::max(), .to = Instant::min()};
    for (const WindowReadings& window : windows_) {
      range.from = std::min(*range.from, window.begin());
      range.to = std::max(*range.to, window.window().to);
    }
    AccountOf account_of(site_);
    return history_.each(History::What::entries, range, [&](const model::StoredRow& row) {
      const auto account = account_of(*row.series);
      const auto owner = account ? window_of_account_.find(*account) : window_of_account_.end();
      const auto* entry = std::get_if<model::EmissionEntry>(&row.body);
      if (!entry || owner == window_of_account_.end()) return true;
      const WindowReadings& window = *owner->second;
      if (!compared(window, entry->begin, entry->end)) return true;
      if (within_reach(window, entry->begin)) {
        booked_.push_back({*account, *entry});
      } else {
        ++out_.out_of_reach;
        const Instant reach = reach_.at(&window);
        out_.reach = std::max(out_.reach.value_or(reach), reach);
      }
      return true;
    });
  }

  books::Reason reason(model::AccountId account, const model::EmissionEntry* known,
                       const model::EmissionEntry* restated) const {
    const WindowReadings& window = *window_of_account_.at(account);
    const model::EmissionEntry& entry = restated ? *restated : *known;
    if (known && restated && known->amount == restated->amount && known->covered == restated->covered) {
      return {model::Cause::factor, factor_change(*known, *restated)};
    }
    if (const Repair* repair = window.repair_of(entry.begin, entry.end)) {
      return {model::Cause::configuration, repair->reason};
    }
    if (window.late() != 0) return {model::Cause::late_data, "late readings of " + window.point().full_name()};
    return {model::Cause::configuration, "by the present configuration of " + window.point().full_name()};
  }

  static std::string factor_change(const model::EmissionEntry& known, const model::EmissionEntry& restated) {
    const auto text = [](const model::Emission& e) {
      return e.factor_id.empty() ? std::string("none") : e.factor_id + " " + e.factor_version;
    };
    return text(known.primary) + " -> " + text(restated.primary);
  }

  History& history_;
  const model::Site& site_;
  const pipeline::FactorRegistry& factors_;
  pipeline::Calendar calendar_;
  Instant now_;
  const std::atomic<bool>& stop_;
  std::vector<WindowReadings> windows_;
  std::map<model::AccountId, const WindowReadings*> window_of_account_;
  std::map<const WindowReadings*, Instant> reach_;
  std::vector<model::AccountEntry> recomputed_;
  std::vector<model::AccountEntry> booked_;
  Recomputation out_;
};

}  // namespace

model::Result<Recomputation> recompute(History& history, const model::Site& site,
                                       const pipeline::FactorRegistry& factors, std::span<const Repair> repairs,
                                       std::span<const Window> windows, Instant now, const std::atomic<bool>& stop) {
  return Recomputing(history, site, factors, repairs, windows, now, stop).run();
}

model::Result<std::vector<model::AccountRollup>> rollups_of(History& history, const model::Site& site,
                                                            std::span<const model::Amendment> amendments) {
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

  AccountOf account_of(site);
  std::map<std::tuple<model::AccountId, Instant, Period>, model::RollupRow> newest;
  const std::vector<Instant> instants(begins.begin(), begins.end());
  const auto wanted = [&](const model::Series& series) {
    const auto account = account_of(series);
    return account && accounts.contains(*account);
  };
  const auto result = history.rollups_at(instants, wanted, [&](const model::StoredRow& row) {
    const auto& rollup = std::get<model::RollupRow>(row.body);
    model::RollupRow& known = newest[{*account_of(*row.series), rollup.begin, rollup.period}];
    if (rollup.revision >= known.revision) known = rollup;
    return true;
  });
  if (result.has_error()) return result.error();
  std::vector<model::AccountRollup> rollups;
  for (auto& [key, row] : newest) rollups.push_back({std::get<model::AccountId>(key), std::move(row)});
  return rollups;
}

}  // namespace carbongate::app

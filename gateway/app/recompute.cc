#include "gateway/app/recompute.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "gateway/app/account_of.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/pipeline.h"

namespace carbongate::app {

using namespace std::chrono_literals;

namespace {

using model::Period;
using store::History;

constexpr Duration kLead = 1h;
constexpr std::size_t kLeadReadings = 16;
constexpr std::size_t kLeadMax = 2'000;         // of a counter that stands still
constexpr std::size_t kBehindMax = 64;          // readings behind a window, to close it: more than any doubt lasts
constexpr std::ptrdiff_t kReadingsDivided = 4;  // before a late one: as many as may have waited for a decision
constexpr std::size_t kReadingsPerCall = 4'096;

struct Stored {
  Instant at{};
  std::uint64_t sequence = 0;
  double value = 0;
};

bool in_order(const Stored& a, const Stored& b) {
  return std::tie(a.at, a.sequence) < std::tie(b.at, b.sequence);
}

// The readings of one point in and around its window.
class Slot {
 public:
  Slot(const Window& window, const Point& point, std::span<const Repair> repairs, pipeline::Calendar& calendar)
      : window_(window), point_(point), begin_(window.from), start_(window.from) {
    for (const Repair& repair : repairs) {
      if (repair.point == window.point) repairs_.push_back(&repair);
    }
    begin_at(window.from, calendar);
  }

  const Window& window() const { return window_; }
  const Point& point() const { return point_; }
  Instant begin() const { return begin_; }  // of the first entry that is compared
  Instant start() const { return start_; }  // readings from here on are all there
  std::span<const Repair* const> repairs() const { return repairs_; }
  std::span<const Stored> readings() const { return readings_; }
  std::uint64_t late() const { return late_; }
  std::uint64_t not_repaired() const { return not_repaired_; }

  // Found behind the place of start().
  void take(const History::RawReading& reading) {
    const auto stored = usable(reading);
    if (!stored) return;
    if (stored->at < start_) {
      lead_.push_back(*stored);
      if (lead_.size() > 2 * kLeadMax) trim_lead();
    } else if (stored->at < window_.to) {
      readings_.push_back(*stored);
      if (reading.quality.rule == model::Rule::out_of_order) ++late_;
    } else {
      behind_.push_back(*stored);
      if (behind_.size() > 4 * kBehindMax) trim_behind();
    }
  }

  // Found in front of it, newest first. False: enough.
  bool take_lead(const History::RawReading& reading) {
    if (has_lead()) return false;
    const auto stored = usable(reading);
    if (!stored) return true;
    lead_.push_back(*stored);
    ++lead_found_;
    if (lead_found_ == 1) newest_lead_ = stored->at;
    oldest_lead_ = stored->at;
    lowest_ = std::min(lowest_, stored->value);
    highest_ = std::max(highest_, stored->value);
    return !has_lead();
  }
  bool has_lead() const {
    if (lead_found_ < kLeadReadings) return false;
    if (lead_found_ >= kLeadMax) return true;
    using Quarters = std::chrono::duration<std::int64_t, std::ratio<900>>;  // of the remainders of integration
    if (std::chrono::floor<Quarters>(oldest_lead_) >= std::chrono::floor<Quarters>(newest_lead_)) return false;
    return point_.kind != Kind::cumulative || lowest_ < highest_;
  }

  // Everything found is in its order.
  void settle() {
    trim_lead();
    trim_behind();
    readings_.insert(readings_.end(), lead_.begin(), lead_.end());
    readings_.insert(readings_.end(), behind_.begin(), behind_.end());
    std::ranges::sort(readings_, in_order);
  }

  // Late data divide the step from the reading before them. False: that one lies where not all readings are there; look
  // again from there.
  bool widen(pipeline::Calendar& calendar) {
    if (!window_.widen) return true;
    const auto first = std::ranges::lower_bound(readings_, window_.from, {}, &Stored::at);
    const auto before = std::min<std::ptrdiff_t>(first - readings_.begin(), kReadingsDivided);
    if (before == 0) {  // the first of all: an amount belongs to the time before it
      const Duration span = std::max<Duration>(point_.limits.interval, 15min);
      if (point_.kind == Kind::interval) begin_ = calendar.period(Period::quarter_hour, window_.from - span).begin;
      return true;
    }
    const Instant at = (first - before)->at;
    window_.widen = false;
    window_.from = at;
    const Instant begin = calendar.period(Period::quarter_hour, at).begin;
    if (begin >= start_ + kLead / 2) {
      begin_ = begin;
      return true;
    }
    readings_.clear();
    lead_.clear();
    behind_.clear();
    late_ = not_repaired_ = 0;
    lead_found_ = 0;
    lowest_ = std::numeric_limits<double>::infinity();
    highest_ = -lowest_;
    begin_at(at, calendar);
    return false;
  }

 private:
  void begin_at(Instant at, pipeline::Calendar& calendar) {
    begin_ = calendar.period(Period::quarter_hour, at).begin;
    start_ = begin_ - kLead;
  }

  std::optional<Stored> usable(const History::RawReading& reading) {
    const bool stamp_not_believed = reading.quality.rule == model::Rule::future ||
                                    (reading.quality.rule == model::Rule::stale && !model::usable(reading.quality));
    if (stamp_not_believed || !std::isfinite(reading.value)) return std::nullopt;
    double value = reading.value;
    if (reading.series->unit != point_.unit.symbol) {
      const auto unit = find_unit(reading.series->unit);
      if (!unit || unit->dimension != point_.unit.dimension) return std::nullopt;
      value = value * static_cast<double>(unit->numerator) / static_cast<double>(unit->denominator) *
              static_cast<double>(point_.unit.denominator) / static_cast<double>(point_.unit.numerator);
    }
    for (const Repair* repair : repairs_) {
      if (!repair->covers(reading.at)) continue;
      const auto repaired = (*repair)(value);
      if (!repaired) {
        ++not_repaired_;
        return std::nullopt;
      }
      value = *repaired;
    }
    return Stored{reading.at, reading.sequence, value};
  }

  void trim_lead() {  // the newest
    if (lead_.size() <= kLeadMax) return;
    std::ranges::nth_element(lead_, lead_.begin() + kLeadMax,
                             [](const auto& a, const auto& b) { return in_order(b, a); });
    lead_.resize(kLeadMax);
  }
  void trim_behind() {  // the oldest
    if (behind_.size() <= kBehindMax) return;
    std::ranges::nth_element(behind_, behind_.begin() + kBehindMax, in_order);
    behind_.resize(kBehindMax);
  }

  Window window_;
  const Point& point_;
  std::vector<const Repair*> repairs_;
  Instant begin_;
  Instant start_;
  std::vector<Stored> readings_;
  std::vector<Stored> lead_;
  std::vector<Stored> behind_;
  std::size_t lead_found_ = 0;
  Instant newest_lead_{};
  Instant oldest_lead_{};
  double lowest_ = std::numeric_limits<double>::infinity();
  double highest_ = -std::numeric_limits<double>::infinity();
  std::uint64_t late_ = 0;
  std::uint64_t not_repaired_ = 0;
};

// Which slot a series' readings belong to. By address: series keep theirs during one reading of the journal.
class SlotOf {
 public:
  explicit SlotOf(std::span<Slot*> slots) {
    for (Slot* slot : slots) by_name_.emplace(slot->point().full_name(), slot);
  }
  Slot* operator()(const model::Series* series) {
    const auto [known, is_new] = by_series_.try_emplace(series, nullptr);
    if (is_new && series->user.empty()) {
      const auto found = by_name_.find(series->device + "." + series->point);
      if (found != by_name_.end()) known->second = found->second;
    }
    return known->second;
  }

 private:
  std::map<std::string, Slot*> by_name_;
  std::unordered_map<const model::Series*, Slot*> by_series_;
};

model::Result<void> collect(History& history, std::span<Slot*> slots, const std::atomic<bool>& stop) {
  const Instant start = (*std::ranges::min_element(slots, {}, [](const Slot* s) { return s->start(); }))->start();
  {
    SlotOf slot_of(slots);
    const auto result = history.readings_behind(start, [&](const History::RawReading& reading) {
      if (Slot* slot = slot_of(reading.series)) slot->take(reading);
      return !stop;
    });
    if (result.has_error()) return result;
  }
  SlotOf slot_of(slots);
  std::size_t waiting = slots.size();
  const auto result = history.readings_in_front(start, [&](const History::RawReading& reading) {
    Slot* slot = slot_of(reading.series);
    if (slot && !slot->has_lead() && !slot->take_lead(reading)) --waiting;
    return waiting != 0 && !stop;
  });
  for (Slot* slot : slots) slot->settle();
  return result;
}

class Recomputing {
 public:
  Recomputing(History& history, const model::Site& site, const pipeline::FactorRegistry& factors,
              std::span<const Repair> repairs, std::span<const Window> windows, Instant now,
              const std::atomic<bool>& stop)
      : history_(history), site_(site), factors_(factors), calendar_(site.time_zone), now_(now), stop_(stop) {
    for (const Window& window : windows) {
      slots_.emplace_back(window, site.points.at(index(window.point)), repairs, calendar_);
    }
    for (Slot& slot : slots_) {
      for (const model::Account& account : site.accounts) {
        if (account.source == slot.window().point) slot_of_account_[account.id] = &slot;
      }
    }
  }

  model::Result<Recomputation> run() {
    if (slots_.empty()) return Recomputation{};
    if (const auto read = collect_all(); read.has_error()) return read.error();
    const auto thinned = history_.is_thinned();
    if (thinned.has_error()) return thinned.error();
    for (const Slot& slot : slots_) {
      if (stop_) return model::Fault{make_error_code(boost::system::errc::operation_canceled), "stopped"};
      if (*thinned && !slot.has_lead()) reach_[&slot] = reach_of(slot);
      play(slot);
      out_.not_repaired += slot.not_repaired();
    }
    if (const auto read = read_booked(); read.has_error()) return read.error();
    out_.entries = recomputed_.size();
    out_.differences = books::differences(
        booked_, recomputed_,
        [this](model::AccountId account, const model::EmissionEntry* known, const model::EmissionEntry* restated) {
          return reason(account, known, restated);
        },
        now_);
    out_.booked = std::move(booked_);
    return std::move(out_);
  }

 private:
  model::Result<void> collect_all() {
    std::vector<Slot*> slots;
    for (Slot& slot : slots_) slots.push_back(&slot);
    while (!slots.empty()) {
      if (auto result = collect(history_, slots, stop_); result.has_error()) return result;
      std::erase_if(slots, [this](Slot* slot) { return slot->widen(calendar_); });
    }
    return {};
  }

  // Before the first reading kept there is no telling; nor in the quarter hours that it and its successor begin in.
  Instant reach_of(const Slot& slot) {
    if (slot.readings().empty()) return Instant::max();
    return calendar_.period(Period::quarter_hour, slot.readings().front().at).end + 15min;
  }

  bool compared(const Slot& slot, Instant begin, Instant end) {
    return begin >= slot.begin() && begin < slot.window().to && end <= slot.window().closed_until;
  }
  bool within_reach(const Slot& slot, Instant begin) const {
    const auto reach = reach_.find(&slot);
    return reach == reach_.end() || begin >= reach->second;
  }

  void play(const Slot& slot) {
    pipeline::Pipeline pipeline(site_, factors_, {});
    const Instant enough = std::min(slot.window().to, slot.window().closed_until);
    std::vector<Batch> batches;
    const auto flush = [&] {
      if (batches.empty()) return;
      for (model::JournalRow& row : pipeline.ingest(batches, batches.back().received).rows) take(slot, row);
      batches.clear();
    };
    for (const Stored& stored : slot.readings()) {
      if (stored.at >= enough) {  // one by one, until all is closed
        flush();
        if (pipeline.counted_until(slot.point().id).value_or(Instant::min()) >= enough) break;
      }
      const Reading reading{.point = slot.point().id, .at = stored.at, .value = stored.value};
      batches.push_back({.source = {}, .received = stored.at, .readings = {reading}, .settled = {}});
      ++out_.readings;
      if (batches.size() == kReadingsPerCall) flush();
    }
    flush();
  }

  void take(const Slot& slot, model::JournalRow& row) {
    auto* entry = std::get_if<model::EmissionEntry>(&row.body);
    if (!entry || !compared(slot, entry->begin, entry->end) || !within_reach(slot, entry->begin)) return;
    recomputed_.push_back({std::get<model::AccountId>(row.subject), std::move(*entry)});
  }

  model::Result<void> read_booked() {
    History::Range range{.from = Instant::max(), .to = Instant::min()};
    for (const Slot& slot : slots_) {
      range.from = std::min(*range.from, slot.begin());
      range.to = std::max(*range.to, slot.window().to);
    }
    AccountOf account_of(site_);
    return history_.each(History::What::entries, range, [&](const model::StoredRow& row) {
      const auto account = account_of(*row.series);
      const auto slot = account ? slot_of_account_.find(*account) : slot_of_account_.end();
      const auto* entry = std::get_if<model::EmissionEntry>(&row.body);
      if (!entry || slot == slot_of_account_.end() || !compared(*slot->second, entry->begin, entry->end)) return true;
      if (within_reach(*slot->second, entry->begin)) {
        booked_.push_back({*account, *entry});
      } else {
        ++out_.out_of_reach;
        const Instant reach = reach_.at(slot->second);
        out_.reach = std::max(out_.reach.value_or(reach), reach);
      }
      return true;
    });
  }

  books::Reason reason(model::AccountId account, const model::EmissionEntry* known,
                       const model::EmissionEntry* restated) const {
    const Slot& slot = *slot_of_account_.at(account);
    const model::EmissionEntry& entry = restated ? *restated : *known;
    if (known && restated && known->amount == restated->amount && known->covered == restated->covered) {
      return {model::Cause::factor, factor_change(*known, *restated)};
    }
    for (const Repair* repair : slot.repairs()) {
      if (repair->from < entry.end && entry.begin < repair->until) return {model::Cause::configuration, repair->reason};
    }
    if (slot.late() != 0) return {model::Cause::late_data, "late readings of " + slot.point().full_name()};
    return {model::Cause::configuration, "by the present configuration of " + slot.point().full_name()};
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
  std::vector<Slot> slots_;
  std::map<model::AccountId, const Slot*> slot_of_account_;
  std::map<const Slot*, Instant> reach_;
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

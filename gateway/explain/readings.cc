#include "gateway/explain/readings.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <tuple>
#include <unordered_map>

#include "gateway/model/hj212_flag.h"
#include "gateway/pipeline/lead.h"
#include "gateway/pipeline/quality.h"
#include "gateway/pipeline/unwatched.h"

namespace carbongate::explain {

using namespace std::chrono_literals;

namespace {

using pipeline::kLead;
using store::History;

constexpr Duration kSilenceMax = 24h * 2;      // how long the next reading is waited for
constexpr std::uint64_t kRowsMax = 5'000'000;  // looked at in either direction

bool in_order(const StoredReading& a, const StoredReading& b) {
  return std::tie(a.at, a.sequence) < std::tie(b.at, b.sequence);
}

struct Slot {
  ReadingsOfPoint found;
  pipeline::Lead lead{Kind::instantaneous};
  std::size_t behind = 0;  // usable ones after the interval

  void note_lead(const StoredReading& reading) {
    if (usable(reading.quality) && std::isfinite(reading.value)) lead.note(reading.at, reading.value);
  }
  bool has_lead() const { return lead.is_enough(); }
};

class Search {
 public:
  Search(History& history, const ReadingsWanted& wanted) : history_(history), wanted_(wanted) {
    for (const std::string& name : wanted.points) {
      slots_[name].lead = pipeline::Lead(wanted.counters.contains(name) ? Kind::cumulative : Kind::instantaneous);
    }
  }

  model::Result<std::map<std::string, ReadingsOfPoint>> run() {
    const Instant start = wanted_.begin - kLead;
    if (auto result = history_.readings_behind(start, [&](const auto& r) { return take(r); }); result.has_error()) {
      return result.error();
    }
    by_series_.clear();  // series keep their addresses during one walk only
    rows_ = 0;
    if (!std::ranges::all_of(slots_, [](const auto& slot) { return slot.second.has_lead(); })) {
      if (auto result = history_.readings_in_front(start, [&](const auto& r) { return take_lead(r); });
          result.has_error()) {
        return result.error();
      }
    }
    std::map<std::string, ReadingsOfPoint> found;
    for (auto& [name, slot] : slots_) {
      std::ranges::sort(slot.found.all, in_order);
      found.emplace(name, std::move(slot.found));
    }
    return found;
  }

 private:
  Slot* slot_of(const model::Series* series) {
    const auto [known, is_new] = by_series_.try_emplace(series, nullptr);
    if (is_new && series->user.empty()) {
      const auto found = slots_.find(series->device + "." + series->point);
      if (found != slots_.end()) known->second = &found->second;
    }
    return known->second;
  }

  // From the place of the hour before the interval, forwards.
  bool take(const History::RawReading& raw) {
    if (raw.sequence > wanted_.through) return false;
    if (usable(raw.quality) && raw.quality.rule != model::Rule::out_of_order) newest_ = std::max(newest_, raw.at);
    Slot* slot = slot_of(raw.series);
    if (slot && is_wanted(raw)) {
      const StoredReading reading = keep(raw);
      if (reading.at > wanted_.end) {
        keep_behind(reading, *slot);
      } else {
        slot->found.unit = raw.series->unit;
        slot->found.all.push_back(reading);
        if (reading.at <= wanted_.begin) slot->note_lead(reading);
      }
    }
    if (++rows_ >= kRowsMax) return false;
    if (newest_ <= std::max(wanted_.end, wanted_.heard_until)) return true;
    if (newest_ > std::max(wanted_.end, wanted_.heard_until) + kSilenceMax) return false;
    return std::ranges::any_of(slots_, [&](const auto& slot) { return slot.second.behind < wanted_.behind; });
  }

  bool is_wanted(const History::RawReading& raw) const {
    return raw.sequence <= wanted_.through && !(wanted_.in_order && raw.quality.rule == model::Rule::out_of_order);
  }

  // Of those after the interval the nearest: one that came late may be nearer than others heard before it.
  static void keep_behind(const StoredReading& reading, Slot& slot) {
    if (slot.behind >= pipeline::kReadingsBehind) {
      const auto farthest = std::ranges::max_element(slot.found.all, in_order);
      if (!in_order(reading, *farthest)) return;
      if (usable(farthest->quality)) --slot.behind;
      slot.found.all.erase(farthest);
    }
    slot.found.all.push_back(reading);
    if (usable(reading.quality)) ++slot.behind;
  }

  // In front of it, newest first.
  bool take_lead(const History::RawReading& raw) {
    Slot* slot = slot_of(raw.series);
    if (slot && !slot->has_lead() && raw.at <= wanted_.end && is_wanted(raw)) {
      if (slot->found.unit.empty()) slot->found.unit = raw.series->unit;
      slot->found.all.push_back(keep(raw));
      slot->note_lead(slot->found.all.back());
    }
    return ++rows_ < kRowsMax && !std::ranges::all_of(slots_, [](const auto& one) { return one.second.has_lead(); });
  }

  static StoredReading keep(const History::RawReading& raw) {
    return {.at = raw.at, .sequence = raw.sequence, .value = raw.value, .quality = raw.quality};
  }

  History& history_;
  const ReadingsWanted& wanted_;
  std::map<std::string, Slot> slots_;
  std::unordered_map<const model::Series*, Slot*> by_series_;
  Instant newest_ = Instant::min();
  std::uint64_t rows_ = 0;
};

}  // namespace

model::Result<std::map<std::string, ReadingsOfPoint>> find_readings(History& history, const ReadingsWanted& wanted) {
  return Search(history, wanted).run();
}

std::optional<CountedAgain> count_again(const std::vector<StoredReading>& readings, const Point& point,
                                        const model::Carrier& carrier, Duration future_tolerance, Instant begin,
                                        Instant end, pipeline::EnergyMeter::Amounts amounts,
                                        std::span<const Instant> rejected) {
  const auto meter = pipeline::EnergyMeter::make(point, carrier, amounts);
  if (!meter) return std::nullopt;
  const pipeline::QualityRules rules(point, future_tolerance);
  model::PointState state;
  CountedAgain out{.by_reading = std::vector<Moved>(readings.size()), .sum = {}};
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const StoredReading& stored = readings[i];
    if (!stamp_believed(stored.quality)) continue;  // then it is not believed now either
    const Reading reading{
        .point = point.id,
        .availability = std::isfinite(stored.value) ? Availability::available : Availability::not_available,
        .hj212_flag = model::flag_said(stored.quality),
        .at = stored.at,
        .value = stored.value};
    for (; !rejected.empty() && rejected.front() < reading.at; rejected = rejected.subspan(1))
      pipeline::note_rejected(state.rejected, rejected.front(), state.last_at);
    const model::Quality judged = rules.judge(reading, state, reading.at, reading.at);
    const pipeline::Counted counted = meter->count(reading, judged, state);
    if (pipeline::countable(counted.quality)) {
      state.last_at = reading.at;
      state.last_value = reading.value;
      state.last_quality = counted.quality;
      pipeline::forget_rejected(state.rejected, meter->counted_until(state).value_or(reading.at));
    } else if (pipeline::withdraws(counted.quality)) {
      pipeline::note_rejected(state.rejected, reading.at, state.last_at);
    }
    Moved& moved = out.by_reading[i];
    for (const pipeline::Movement& movement : counted) {
      moved.whole += movement.amount;
      if (!moved.since) moved.since = movement.begin;
      if (!moved.unwatched_from) moved.unwatched_from = movement.unwatched_from;
      const bool is_held = point.kind == Kind::instantaneous && movement.covered && movement.end < reading.at;
      if (is_held) moved.held_until = movement.end;
      const Instant from = std::max(movement.begin, begin);
      const Instant until = std::min(movement.end, end);
      if (from >= until) continue;
      const model::Activity part = movement.until(until) - movement.until(from);
      moved.counted += part;
      out.sum += part;
    }
  }
  return out;
}

}  // namespace carbongate::explain

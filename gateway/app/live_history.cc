#include "gateway/app/live_history.h"

#include <algorithm>

#include "gateway/model/carrier.h"
#include "gateway/pipeline/emission.h"

namespace carbongate::app {
namespace {

using model::Basis;

const std::optional<model::FactorChoice>& choice_of(const model::Account& account, Basis basis) {
  return basis == Basis::primary ? account.factor : account.market;
}

const model::Emission* emission_of(const model::EmissionEntry& entry, Basis basis) {
  if (basis == Basis::primary) return &entry.primary;
  return entry.market ? &*entry.market : nullptr;
}

bool same_factor(const model::Emission& a, const model::Emission& b) {
  return a.factor_id == b.factor_id && a.factor_version == b.factor_version && a.gwp_set == b.gwp_set;
}

}  // namespace

LiveHistory::LiveHistory(const model::Site& site, const pipeline::FactorRegistry& factors)
    : site_(site), factors_(factors), booked_(site.live_factors, factors), heard_(site.live_factors, factors) {}

model::Result<void> LiveHistory::read(store::History& history, std::span<const WindowReadings> windows,
                                      std::span<const Repair> repairs, bool thinned, const std::atomic<bool>& stop) {
  booked_ = heard_ = pipeline::LiveFactors(site_.live_factors, factors_);
  feeds_.clear();
  reach_.clear();
  Instant start = Instant::max();
  Instant end = Instant::min();
  for (const model::LiveFactor& plan : site_.live_factors) {
    Feed feed{&plan, Track(site_.points.at(index(plan.source)), repairs), {}};
    Instant from = Instant::max();
    Instant to = Instant::min();
    for (const WindowReadings& window : windows) {
      if (!hears(window.point().id, feed)) continue;
      // What was in force at its begin is older.
      from = std::min(from, std::max(window.start(), Instant::min() + plan.hold) - plan.hold);
      to = std::max(to, std::min(window.window().to, window.window().closed_until));
    }
    if (from >= to) continue;
    feed.track.begin(from, to);
    start = std::min(start, from);
    end = std::max(end, to);
    feeds_.push_back(std::move(feed));
  }
  if (feeds_.empty()) return {};
  auto known = history.checkpoint(site_);
  if (known.has_error()) return known.error();
  const auto take = [&](const store::History::RawReading& reading) {
    for (Feed& feed : feeds_) {
      if (reading.series->user.empty() && reading.series->device == feed.track.point().device &&
          reading.series->point == feed.track.point().name) {
        feed.track.take(reading);
      }
    }
    return !stop;
  };
  const auto read = history.readings_behind(start, take, [end](Instant oldest) { return oldest >= end; });
  if (read.has_error()) return read;
  for (Feed& feed : feeds_) {
    feed.track.settle();
    const auto readings = feed.track.readings();
    const auto& state = known->points.at(index(feed.plan->source)).live;
    if (state) booked_.restore(feed.plan->source, *state);
    if (thinned) {
      const Instant kept = readings.empty() ? Instant::max() : readings.front().at;
      for (const model::LiveValue& value : state ? state->values : std::vector<model::LiveValue>()) {
        if (value.at >= kept) continue;
        if (!feed.remembered.empty() && feed.remembered.back().at == value.at) {
          feed.remembered.back().value = value.value;  // the last one heard
        } else {
          feed.remembered.push_back({.point = feed.plan->source, .at = value.at, .value = value.value});
        }
      }
      if (!feed.remembered.empty()) {
        feed.reach = feed.remembered.front().at;
      } else if (!readings.empty()) {
        feed.reach = kept;  // else nothing was ever said
      }
    }
    const Point& point = feed.track.point();
    for (const auto& list : {std::span<const StoredReading>(feed.remembered), readings}) {
      for (const StoredReading& reading : list) {
        if (reading.value < point.limits.min.value_or(reading.value)) continue;
        if (reading.value > point.limits.max.value_or(reading.value)) continue;
        heard_.learn(reading.point, reading.at, reading.value);
      }
    }
  }
  for (const WindowReadings& window : windows) {
    Instant& reach = reach_.try_emplace(window.point().id, Instant::min()).first->second;
    for (const Feed& feed : feeds_) {
      if (hears(window.point().id, feed)) reach = std::max(reach, feed.reach);
    }
  }
  return {};
}

std::vector<StoredReading> LiveHistory::readings_for(PointId point) const {
  std::vector<StoredReading> readings;
  for (const Feed& feed : feeds_) {
    if (!hears(point, feed)) continue;
    readings.insert(readings.end(), feed.remembered.begin(), feed.remembered.end());
    readings.insert(readings.end(), feed.track.readings().begin(), feed.track.readings().end());
  }
  return readings;
}

Instant LiveHistory::reach(PointId point) const {
  const auto found = reach_.find(point);
  return found == reach_.end() ? Instant::min() : found->second;
}

std::uint64_t LiveHistory::not_repaired() const {
  std::uint64_t count = 0;
  for (const Feed& feed : feeds_) count += feed.track.not_repaired();
  return count;
}

bool LiveHistory::hears(PointId point, const Feed& feed) const {
  const model::Factor& like = feed.plan->like;
  return std::ranges::any_of(site_.accounts, [&](const model::Account& account) {
    if (account.source != point || account.carrier->id != like.carrier) return false;
    return std::ranges::any_of(model::kBases, [&](Basis basis) {
      const auto& choice = choice_of(account, basis);
      return choice && choice->set == like.set && choice->method == like.method;
    });
  });
}

const LiveHistory::Feed* LiveHistory::feed_of(const model::Account& account, Basis basis) const {
  const auto& choice = choice_of(account, basis);
  if (!choice) return nullptr;
  for (const std::string_view region : {std::string_view(choice->region), std::string_view()}) {  // as in the registry
    for (const Feed& feed : feeds_) {
      const model::Factor& like = feed.plan->like;
      if (like.set == choice->set && like.carrier == account.carrier->id && like.method == choice->method &&
          like.region == region) {
        return &feed;
      }
    }
  }
  return nullptr;
}

bool LiveHistory::came_late(const model::Account& account, Basis basis, Instant begin, const model::Emission& known,
                            const model::Emission& restated) const {
  const auto& choice = choice_of(account, basis);
  if (!choice || same_factor(known, restated)) return false;
  const pipeline::LiveFactors::Series* series = booked_.find(*choice, *account.carrier);
  if (!series) return false;
  if (const model::LiveValue* value = booked_.value_of(*series, restated.factor_id)) return value->since > begin;
  // Longer ago than the gateway remembers: one value in the place of another.
  return heard_.value_of(*heard_.find(*choice, *account.carrier), known.factor_id) != nullptr &&
         restated.factor_version == model::kLiveVersion;
}

std::string LiveHistory::revision_of(const model::Account& account, Basis basis, Instant begin,
                                     const std::string& factor_id) const {
  const Feed* feed = feed_of(account, basis);
  if (!feed) return "";
  const auto& choice = *choice_of(account, basis);
  const model::LiveValue* value = heard_.value_of(*heard_.find(choice, *account.carrier), factor_id);
  const model::LiveValue* booked = booked_.value_of(*booked_.find(choice, *account.carrier), factor_id);
  if (!value || (booked && (booked->since <= begin || booked->value != value->value))) return "";
  const bool another = std::ranges::any_of(feed->track.readings(), [&](const StoredReading& reading) {
    return reading.at == value->at && reading.value != value->value;
  });
  if (!another) return "";
  const auto text = pipeline::plain_decimal(value->value);
  return text ? factor_id + " is " + *text + " " + feed->plan->like.unit_text : "";
}

const Repair* LiveHistory::repair_of(const model::Account& account, Basis basis,
                                     const model::Emission& restated) const {
  const Feed* feed = feed_of(account, basis);
  if (!feed) return nullptr;
  const auto* series = heard_.find(*choice_of(account, basis), *account.carrier);
  const model::LiveValue* value = heard_.value_of(*series, restated.factor_id);
  if (!value) return nullptr;
  for (const Repair* repair : feed->track.repairs()) {
    if (repair->covers(value->at)) return repair;
  }
  return nullptr;
}

std::string LiveHistory::source_of(const model::Account& account, Basis basis) const {
  const Feed* feed = feed_of(account, basis);
  return feed ? feed->track.point().full_name() : "";
}

std::optional<model::FactorRate> LiveHistory::rate(const model::Account& account, Basis basis,
                                                   const model::Emission& emission) {
  if (emission.factor_id.empty()) return model::FactorRate{};
  const auto rate_of = [&](const model::Factor* factor) -> std::optional<model::FactorRate> {
    const bool is_it = factor && factor->id == emission.factor_id && factor->version == emission.factor_version &&
                       factor->gwp_set == emission.gwp_set;
    return is_it ? std::optional(model::FactorRate{factor->scaled_gas, factor->scaled_co2e}) : std::nullopt;
  };
  if (const auto found = rate_of(factors_.find_id(emission.factor_id))) return found;
  const auto& choice = choice_of(account, basis);
  for (pipeline::LiveFactors* live : {&booked_, &heard_}) {
    auto* series = choice ? live->find(*choice, *account.carrier) : nullptr;
    if (!series) continue;
    if (const auto found = rate_of(live->named(*series, emission.factor_id))) return found;
  }
  return std::nullopt;
}

// Of what was revised, the value that gives what is booked.
std::optional<model::FactorRate> LiveHistory::booked_rate(const model::Account& account, Basis basis,
                                                          const model::EmissionEntry& known,
                                                          const model::Emission& emission) {
  const auto newest = rate(account, basis, emission);
  const Feed* feed = feed_of(account, basis);
  auto* series = feed ? heard_.find(*choice_of(account, basis), *account.carrier) : nullptr;
  const model::LiveValue* value = series ? heard_.value_of(*series, emission.factor_id) : nullptr;
  if (!newest || !value) return newest;
  const auto gives_it = [&](const model::FactorRate& rate) {
    model::EmissionState none;
    return model::near(pipeline::emit(known.amount, rate, none), emission.emitted, known.revision + 2);
  };
  if (gives_it(*newest)) return newest;
  const Instant at = value->at;
  for (const StoredReading& reading : feed->track.readings()) {
    if (reading.at != at) continue;
    const model::Factor* factor = heard_.named(*series, emission.factor_id, reading.value);
    if (!factor) continue;
    const model::FactorRate rate{factor->scaled_gas, factor->scaled_co2e};
    if (gives_it(rate)) return rate;
  }
  return newest;
}

std::optional<model::Exchange> LiveHistory::exchange(const model::Account& account, Basis basis,
                                                     const model::EmissionEntry& known,
                                                     const model::EmissionEntry* restated) {
  static const model::Emission kNone;
  const model::Emission* before_by = emission_of(known, basis);
  const model::Emission* after_by = restated ? emission_of(*restated, basis) : nullptr;
  const model::Emission& from = before_by ? *before_by : kNone;
  const model::Emission& to = after_by ? *after_by : kNone;
  // By one factor that is always the same, a booking goes through what is carried anyway.
  if (same_factor(from, to) && !feed_of(account, basis)) return std::nullopt;
  const auto before = booked_rate(account, basis, known, from);
  const auto after = rate(account, basis, to);
  if (!before || !after) return std::nullopt;
  return model::Exchange{.before = {known.amount, *before},
                         .after = {restated ? restated->amount : model::Activity{}, *after}};
}

}  // namespace carbongate::app

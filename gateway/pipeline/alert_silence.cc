// Of class Alerts: missing data, and what may be on its way.
#include <algorithm>
#include <cmath>

#include "gateway/pipeline/alert_times.h"
#include "gateway/pipeline/alerts.h"

namespace carbongate::pipeline {

using model::AlertRule;
using model::AlertState;
using model::Measure;

namespace {

constexpr int kPartsOfALength = 16;  // in which it is kept when late data were received
constexpr std::size_t kSilencesKept = 64;

}  // namespace

// Who was never heard is expected from when time is first told: that long it is watched. So is who is only watched in
// some hours, for those that are long over are nobody's to tell. And so is what was held back by something that the
// configuration no longer has.
void Alerts::begin_waiting(Instant now) {
  if (waiting_) return;
  waiting_ = true;
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    if (!held_back_by(i, now)) let_go(i, now);
    const Measure measure = watches_[i].rule->measure;
    const bool waits = measure == Measure::silence || measure == Measure::coverage;
    const bool is_watched = last_of(i) && !(measure == Measure::silence && watches_[i].rule->active);
    if (!waits || state_.alerts[i].begun || is_watched) continue;
    change(i).begun = now;
  }
}

// The newest reading that counted.
std::optional<Instant> Alerts::last_of(std::size_t watch) const {
  std::optional<Instant> last;
  for (const PointId point : watches_[watch].watch->points) {
    last = std::max(last, state_.points[carbongate::index(point)].last_at);
  }
  for (const model::AccountId account : watches_[watch].watch->accounts) {
    last = std::max(last, state_.points[carbongate::index(site_.accounts[model::index(account)].source)].last_at);
  }
  return last;
}

// In the time of the data.
std::optional<Instant> Alerts::heard_from(std::size_t watch) const {
  return std::max(last_of(watch), state_.alerts[watch].begun);
}

// It counts from when the rule is looked at; where those hours are too short for that, from when it was heard. It is
// told in the hours that it counts in, once no work goes on.
std::optional<Alerts::Silence> Alerts::silence(std::size_t watch) const {
  const AlertRule& rule = *watches_[watch].rule;
  const std::optional<Instant> from = heard_from(watch);
  if (!from) return std::nullopt;
  std::optional<Span> hours = active_hours(rule.active, calendar_, *from);
  for (; hours; hours = active_hours(rule.active, calendar_, hours->end)) {
    Instant since = std::max(*from, hours->begin) + rule.length;
    if (since >= hours->end && hours->begin >= *from) since = std::max(*from + rule.length, hours->begin);
    const Instant open = after_work(site_.maintenance, *watches_[watch].watch, since);
    if (open < hours->end) return Silence{.since = since, .open = open};
  }
  return std::nullopt;
}

// When the alert begins.
std::optional<Instant> Alerts::silent_untold(std::size_t watch) const {
  if (state_.alerts[watch].since || state_.alerts[watch].held_back) return std::nullopt;
  const std::optional<Silence> silent = silence(watch);
  return silent ? std::optional(silent->open) : std::nullopt;
}

// When it is decided. What arrives late is heard, too: a device that sends what it has buffered is not silent.
std::optional<Instant> Alerts::silent_alone(std::size_t watch) const {
  if (watches_[watch].rule->measure != Measure::silence) return std::nullopt;
  const std::optional<Instant> open = silent_untold(watch);
  const std::optional<Instant> heard = state_.alerts[watch].seen_at;
  return open && heard ? std::max(*open, *heard + watches_[watch].rule->length) : open;
}

// Where a parent has been silent for half of its time, that is waited for: who was heard a little earlier than it must
// not cry first.
std::optional<Instant> Alerts::silent_at(std::size_t watch) const {
  std::optional<Instant> decided = silent_alone(watch);
  if (!decided) return decided;
  const Watched& one = watches_[watch];
  for (const std::size_t parent : one.parents) {
    if (watches_[parent].rule->measure != Measure::silence || state_.alerts[parent].since) continue;
    if (watches_[parent].watch->rule_place == one.watch->rule_place) continue;
    const std::optional<Silence> parents = silence(parent);
    if (!parents || parents->since <= *decided) continue;
    if (parents->since - *decided < watches_[parent].rule->length / 2) decided = parents->since;
  }
  return decided;
}

// `decided`: when it is; nullopt while it fires or is held back.
void Alerts::fall_silent(std::size_t watch, Instant until,
                         std::optional<Instant> (Alerts::*decided)(std::size_t) const) {
  while (true) {
    if (const auto end = hours_end(watch)) {
      if (*end > until) return;
      close_hours(watch, *end);
      continue;
    }
    const std::optional<Instant> at = (this->*decided)(watch);
    if (!at || *at > until) return;
    const Silence silent = *silence(watch);
    fire(watch, silent.since, {.at = silent.open, .value = std::nan("")});
  }
}

// Kept as `seen_at`, which a silence has no other use for: a restart does not forget it. Rounded up, so that the state
// does not change with every reading.
void Alerts::keep_received(std::size_t watch, Instant received) {
  const Duration part = std::max<Duration>(watches_[watch].rule->length / kPartsOfALength, Duration(1));
  const Instant until = received + (part - received.time_since_epoch() % part);
  if (state_.alerts[watch].seen_at.value_or(Instant::min()) < until) change(watch).seen_at = until;
}

// A silence that nobody may have been told of yet is over then. What it depends on, or others of its group, may have
// been silent as well, and not be heard again yet, or a little earlier: then it waits for its judgement with theirs.
void Alerts::tell_what_was(std::size_t watch, Instant over) {
  const std::optional<Instant> open = silent_untold(watch);
  if (!open || *open >= over) return;
  const auto may_hold_back = [&](std::size_t parent) {
    if (watches_[parent].rule->measure != Measure::silence || state_.alerts[parent].since) return false;
    const std::optional<Instant> parents = silent_untold(parent);
    const Duration waited = watches_[parent].rule->length / 2;
    return (parents && *parents - *open < waited) ||
           std::ranges::any_of(state_.alerts[parent].periods, [&](const model::AlertPeriod& silence) {
             return silence.begin - *open < waited && open->time_since_epoch().count() < silence.sum;
           });
  };
  if (std::ranges::any_of(watches_[watch].parents, may_hold_back)) {
    ++heard_behind_;
    return wait_for_judgement(watch, silence(watch)->since);
  }
  fall_silent(watch, over - Duration(1), &Alerts::silent_untold);
  if (groups_[watch].empty() || !state_.alerts[watch].since) return;
  ++heard_behind_;
  note_late_groups(watch, *state_.alerts[watch].since);
}

void Alerts::heard_again(std::size_t watch, const Reading& reading, Instant received) {
  const std::optional<Instant> from = heard_from(watch);
  if (from && reading.at - *from > watches_[watch].rule->length) tell_what_was(watch, reading.at);
  if (const auto filled = filled_from(watch, reading.at)) {
    ++heard_behind_;
    wait_for_judgement(watch, *filled);
  }
  if (received - reading.at > site_.alert_grace) keep_received(watch, received);
  if (state_.alerts[watch].since) {
    end(watch, {.at = reading.at, .value = std::nan("")});
  } else if (state_.alerts[watch].held_back) {
    change(watch).held_back = false;
  } else {
    return;  // what it waits for comes later than before
  }
  expect(reading.at);
}

// From when on a silence that is over, and was told, is another one by a reading of that time. Of older ones than are
// kept the judgement knows.
std::optional<Instant> Alerts::filled_from(std::size_t watch, Instant at) const {
  const model::AlertRule& rule = *watches_[watch].rule;
  const std::vector<model::AlertPeriod>& silences = state_.alerts[watch].periods;
  if (rule.measure != Measure::silence || silences.empty()) return std::nullopt;
  if (silences.size() == kSilencesKept && at < silences.front().begin) return at;
  if (at.time_since_epoch().count() >= silences.back().sum) return std::nullopt;
  for (const model::AlertPeriod& silence : silences) {
    const bool is_filled = silence.begin - rule.length < at && at.time_since_epoch().count() < silence.sum;
    if (is_filled) return std::min(at, silence.begin);
  }
  return std::nullopt;
}

// As a period that begins with the alert, and whose sum is its end.
void Alerts::remember_silence(std::size_t watch, Instant since, Instant over) {
  if (watches_[watch].rule->measure != Measure::silence) return;
  forget_silence(watch, since);
  std::vector<model::AlertPeriod>& silences = change(watch).periods;
  model::AlertPeriod silence;
  silence.begin = since;
  silence.sum = over.time_since_epoch().count();
  silences.insert(std::ranges::upper_bound(silences, since, {}, &model::AlertPeriod::begin), silence);
  if (silences.size() > kSilencesKept) silences.erase(silences.begin());
}

void Alerts::forget_silence(std::size_t watch, Instant since) {
  if (watches_[watch].rule->measure != Measure::silence) return;
  std::erase_if(change(watch).periods, [since](const model::AlertPeriod& silence) { return silence.begin == since; });
}

// Of a meter that is not heard yet since the gateway listens, time goes on from where it was: it may be far behind.
Instant Alerts::not_watched_before(std::size_t watch, const Span& open, Instant clock) const {
  Instant known = clock;
  for (const model::AccountId account : watches_[watch].watch->accounts) {
    const PointId source = site_.accounts[model::index(account)].source;
    const std::optional<Duration> unheard = arrivals_.unheard_for(source, clock);
    if (!unheard) continue;
    const std::optional<Instant> last = state_.points[carbongate::index(source)].last_at;
    known = std::min(
        known,
        std::max({open.begin, state_.alerts[watch].begun.value_or(open.begin), last.value_or(open.begin)}) + *unheard);
  }
  return known;
}

// Readings until then have been heard, if they come as they do: of all that the watch looks at, and that holds it back.
// A silence is counted from when the newest one was heard, so of it only the queues matter.
Instant Alerts::known_until(std::size_t watch, Instant clock) const {
  const Watched& one = watches_[watch];
  const bool is_silence = one.rule->measure == Measure::silence;
  std::optional<Instant> heard;
  Instant known = clock;
  const auto look_at = [&](PointId point) {
    if (is_silence) {
      heard = std::max(heard, std::optional(arrivals_.known_if_unheard(point, clock)));
    } else {
      known = std::min(known, arrivals_.known_until(point, clock));
    }
  };
  for (const PointId point : one.watch->points) look_at(point);
  for (const auto* accounts : {&one.watch->accounts, &one.watch->per}) {
    for (const model::AccountId account : *accounts) look_at(site_.accounts[model::index(account)].source);
  }
  known = std::min(known, heard.value_or(known));
  if (const std::optional<Span> open = not_closed(watch))
    known = std::min(known, not_watched_before(watch, *open, clock));
  for (const model::WatchId member : one.watch->members) {
    known = std::min(known, known_until(model::index(member), clock));
  }
  for (const std::size_t parent : one.parents) {
    if (watches_[parent].rule != one.rule) known = std::min(known, known_until(parent, clock));
  }
  return known;
}

}  // namespace carbongate::pipeline

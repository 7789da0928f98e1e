#include "gateway/pipeline/alerts.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <string>
#include <tuple>

#include "gateway/pipeline/alert_times.h"
#include "gateway/pipeline/late_groups.h"
#include "gateway/pipeline/quality.h"

namespace carbongate::pipeline {

using model::AlertRule;
using model::AlertStage;
using model::AlertState;
using model::Measure;

namespace {

constexpr int kSamplesOfALength = 64;  // that changes are measured from; kept with the state of the alert

// A sample of a watch of change is kept as a period whose sum is the value, bit by bit.
double value_of(const model::AlertPeriod& sample) {
  return std::bit_cast<double>(sample.sum);
}

bool is_of_a_point(const AlertRule& rule) {
  return rule.measure == Measure::value || rule.measure == Measure::change;
}

}  // namespace

Alerts::Alerts(const model::Site& site, Calendar& calendar, model::Checkpoint& state,
               std::vector<model::JournalRow>& rows)
    : site_(site),
      calendar_(calendar),
      state_(state),
      rows_(rows),
      of_point_(site.points.size()),
      of_account_(site.accounts.size()),
      groups_(site.watches.size()),
      children_(site.watches.size()),
      arrivals_(site) {
  state_.alerts.resize(site.watches.size());
  for (const model::Watch& watch : site.watches) {
    const std::size_t i = watches_.size();
    const AlertRule& rule = site.alert_rules.at(watch.rule_place);
    watches_.push_back(
        {.watch = &watch,
         .rule = &rule,
         .subject = model::subject_name(watch.device, watch.point, watch.user, watch.carrier ? watch.carrier->id : ""),
         .parents = {},
         .patience = {},
         .cause = {},
         .heard_late = 0,
         .told = {},
         .corrected = {},
         .before = {}});
    for (const PointId point : watch.points) {
      of_point_.at(carbongate::index(point)).push_back(i);
      if (rule.measure == Measure::value || rule.measure == Measure::change)
        watches_[i].bridged = gap_max(site.points[carbongate::index(point)].limits);
    }
    for (const auto* accounts : {&watch.accounts, &watch.per}) {
      for (const model::AccountId account : *accounts) {
        of_account_.at(model::index(account)).push_back(i);
        const Duration gap = gap_of(account);
        watches_[i].patience = std::max(watches_[i].patience, gap);
        if (rule.measure == Measure::rate) watches_[i].bridged = std::min(watches_[i].bridged, gap);
      }
    }
    for (const model::WatchId member : watch.members) groups_.at(model::index(member)).push_back(i);
    if (!watch.members.empty()) all_groups_.push_back(i);
    attach_parents(i);
  }
  for (const model::PointState& point : state_.points) newest_ = std::max(newest_, point.last_at.value_or(newest_));
}

void Alerts::attach_parents(std::size_t watch) {
  for (const model::WatchId parent : holds_back(site_, static_cast<model::WatchId>(watch))) {
    watches_[watch].parents.push_back(model::index(parent));
    children_[model::index(parent)].push_back(watch);
  }
}

AlertState& Alerts::change(std::size_t watch) {
  if (!watches_[watch].changed) {
    watches_[watch].changed = true;
    changed_.push_back(watch);
  }
  return state_.alerts[watch];
}

Alerts::Verdict Alerts::judge(const AlertRule& rule, double value) const {
  if ((rule.above && value > *rule.above) || (rule.below && value < *rule.below)) return Verdict::bad;
  const bool good = (!rule.above || value <= rule.clear_above.value_or(*rule.above)) &&
                    (!rule.below || value >= rule.clear_below.value_or(*rule.below));
  return good ? Verdict::good : Verdict::between;
}

// The one of the two that the value is nearer to.
double Alerts::limit_of(const AlertRule& rule, double value) const {
  if (!rule.above || !rule.below) return rule.above ? *rule.above : rule.below.value_or(std::nan(""));
  return std::abs(value - *rule.above) <= std::abs(value - *rule.below) ? *rule.above : *rule.below;
}

void Alerts::heard(const Reading& reading, model::Quality quality, Instant received) {
  arrivals_.heard(reading.point, reading.at, received);
  newest_ = std::max(newest_, heard_last_);
  heard_last_ = reading.at;
  for (const std::size_t i : of_point_[carbongate::index(reading.point)]) {
    const AlertRule& rule = *watches_[i].rule;
    if (rule.measure == Measure::silence) {
      heard_again(i, reading, received);
    } else if (rule.measure == Measure::value) {
      observe(i, {.at = reading.at, .value = reading.value});
    } else if (const auto change = change_by(i, reading, quality)) {
      observe(i, {.at = reading.at, .value = *change});
    }
  }
}

void Alerts::remember(const Reading& reading, model::Quality quality) {
  for (const std::size_t i : of_point_[carbongate::index(reading.point)]) {
    if (watches_[i].rule->measure == Measure::change) change_by(i, reading, quality);
  }
}

// Where readings are further apart than the rule's length, or not each of them is kept, in proportion to the time.
std::optional<double> Alerts::change_by(std::size_t watch, const Reading& reading, model::Quality quality) {
  if (in_doubt(quality)) return std::nullopt;
  const Duration length = watches_[watch].rule->length;
  const std::optional<Instant> before = state_.points[carbongate::index(reading.point)].last_at;
  const std::vector<model::AlertPeriod>& samples = state_.alerts[watch].periods;
  const bool goes_on = before && reading.at - *before <= watches_[watch].bridged && !begins_anew(quality);
  if (!goes_on && !samples.empty()) change(watch).periods.clear();
  if (!samples.empty() && reading.at <= samples.back().begin) return std::nullopt;

  const auto later = std::ranges::upper_bound(samples, reading.at - length, {}, &model::AlertPeriod::begin);
  std::optional<double> found;
  if (later != samples.begin()) {
    const model::AlertPeriod& from = *std::prev(later);
    const auto share = static_cast<double>(length.count()) / static_cast<double>((reading.at - from.begin).count());
    found = (reading.value - value_of(from)) * share;
  }
  if (samples.empty() || reading.at - samples.back().begin >= length / kSamplesOfALength) {
    const auto done = std::max<std::ptrdiff_t>(later - samples.begin() - 1, 0);
    std::vector<model::AlertPeriod>& kept = change(watch).periods;
    kept.erase(kept.begin(), kept.begin() + done);
    model::AlertPeriod sample;
    sample.begin = reading.at;
    sample.sum = std::bit_cast<std::int64_t>(reading.value);
    kept.push_back(sample);
  }
  return found;
}

void Alerts::observe(std::size_t watch, const Finding& finding) {
  const AlertRule& rule = *watches_[watch].rule;
  const Instant found = within(watch, finding.at);
  let_pass(watch, finding.at - Duration(1));
  if (const auto end = hours_end(watch); end && *end <= finding.at) close_hours(watch, *end);
  if (went_with_its_hours(watch, finding.at)) return;
  const bool looked_at = is_active(rule.active, calendar_, found);
  if (state_.alerts[watch].since) {
    const Verdict verdict = judge(rule, finding.value);
    // Time passed before it was heard that the condition does not hold any more.
    const bool held_no_longer =
        verdict == Verdict::between && is_of_a_point(rule) && finding.at < *state_.alerts[watch].fired_at;
    if (!looked_at || verdict == Verdict::good || held_no_longer) end(watch, finding);
    return;
  }
  const std::optional<Instant> holds_from = looked_at ? finding.at : holds_when_hours_begin(watch, finding.at);
  if (!holds_from || judge(rule, finding.value) != Verdict::bad) {
    if (state_.alerts[watch].holds_since) forget_pending(watch, finding.at);
    return;
  }
  const std::optional<Instant> seen_at = state_.alerts[watch].seen_at;
  const bool goes_on = state_.alerts[watch].holds_since && seen_at && finding.at - *seen_at <= bridged(watch);
  AlertState& state = change(watch);
  if (!goes_on) {
    state.holds_since = holds_from;
    state.held_back = false;
  }
  state.seen_at = finding.at;
  state.value = finding.value;
  state.of = finding.of;
  state.bridged = finding.bridged;
  expect_end_of_hours(watch);
  const Instant after = after_work(site_.maintenance, *watches_[watch].watch, found);
  if (finding.at - *state.holds_since < rule.hold_for) {
    expect(*state.holds_since + rule.hold_for);
  } else if (after != found) {
    expect(after);
  } else {
    fire(watch, *state.holds_since, finding);
  }
}

// What a sum until then tells of lies before it: the last hour of announced work is part of it.
Instant Alerts::within(std::size_t watch, Instant at) const {
  const AlertRule& rule = *watches_[watch].rule;
  return is_of_period(rule) || is_closed_first(rule) ? at - Duration(1) : at;
}

void Alerts::forget_pending(std::size_t watch, Instant at) {
  AlertState& state = change(watch);
  state.holds_since.reset();
  state.seen_at.reset();
  state.value = 0;
  state.of.reset();
  state.bridged.reset();
  state.held_back = false;
  state.suppressed = 0;
  parent_ended(watch, at);
}

void Alerts::fire(std::size_t watch, Instant since, const Finding& finding) {
  if (const auto parent = held_back_by(watch, finding.at)) {
    if (state_.alerts[watch].held_back) return;
    change(watch).held_back = true;
    ++change(*parent).suppressed;
    parent_ended(watch, finding.at);
    if (comes_behind(finding)) note_behind(watch, finding.at);
    return;
  }
  AlertState& state = change(watch);
  state.holds_since.reset();
  state.seen_at.reset();
  state.value = 0;
  state.of.reset();
  state.bridged.reset();
  state.held_back = false;
  // One that would begin no later than the one before, as corrections may have it, is that one again: an id names one
  // alert. Of closed periods each end has an alert of its own.
  Finding known = finding;
  const bool is_exact = is_closed_first(*watches_[watch].rule);
  if (!is_exact && state.last_since && since <= *state.last_since) since = *state.last_since;
  const std::uint32_t revision = told_before(watch, since).value_or(0);
  known.at = std::max(finding.at, since);
  state.since = since;
  state.fired_at = known.at;
  state.published = revision + 1;
  publish(watch, AlertStage::firing, since, revision, known);
  expect_end_of_hours(watch);
  tell_groups(watch, {.at = known.at}, since);
}

// Changes of the alert that began then and is over.
std::optional<std::uint32_t> Alerts::told_before(std::size_t watch, Instant since) const {
  const AlertState& state = state_.alerts[watch];
  for (const model::AlertPeriod& period : state.periods) {
    if (period.since == since) return period.published;
  }
  return state.last_since == since ? std::optional(state.last_published) : std::nullopt;
}

// It never should have fired if a correction says so, or a reading that came after the time was told to have passed.
void Alerts::end(std::size_t watch, const Finding& finding) {
  Finding known = finding;
  if (!known.cause && finding.at < *state_.alerts[watch].fired_at) known.cause = model::Cause::late_data;
  end_as(watch, known.cause ? AlertStage::withdrawn : AlertStage::resolved, known);
}

void Alerts::end_as(std::size_t watch, AlertStage stage, const Finding& finding) {
  AlertState& state = change(watch);
  Finding known = finding;
  known.at = std::max(finding.at, *state.fired_at);
  if (stage == AlertStage::resolved) hold_back_due(watch, known.at);
  publish(watch, stage, *state.since, state.published, known);
  model::AlertPeriod* period = nullptr;
  if (is_closed_first(*watches_[watch].rule)) {
    period = period_of_alert(watch, *state.since);
  } else if (!state.periods.empty() && is_of_period(*watches_[watch].rule)) {
    period = &state.periods.back();
  }
  if (period) {
    period->since = state.since;
    period->published = state.published + 1;
    period->withdrawn = stage == AlertStage::withdrawn;
  }
  if (stage == AlertStage::resolved) remember_silence(watch, *state.since, known.at);
  if (stage == AlertStage::withdrawn) note_late_groups(watch, *state.since);
  const Instant since = *state.since;
  state.last_since = state.since;
  state.last_published = state.published + 1;
  state.since.reset();
  state.fired_at.reset();
  state.acknowledged = false;
  state.published = 0;
  state.suppressed = 0;
  parent_ended(watch, known.at);
  if (stage != AlertStage::withdrawn) known.cause.reset();
  tell_groups(watch, {.at = known.at, .cause = known.cause}, since);
}

// Where a member is withdrawn, so is a group that it brought together: one that began before it is over.
void Alerts::tell_groups(std::size_t member, const Finding& finding, Instant since) {
  for (const std::size_t group : groups_[member]) {
    const std::optional<Instant> began = state_.alerts[group].since;
    const auto cause = began && *began < since ? std::nullopt : finding.cause;
    observe(group, {.at = finding.at, .value = count_of(group), .cause = cause});
  }
}

double Alerts::count_of(std::size_t group) const {
  const auto fires = [this](model::WatchId id) { return state_.alerts[model::index(id)].since.has_value(); };
  return static_cast<double>(std::ranges::count_if(watches_[group].watch->members, fires));
}

// The one that has just begun to may have let the group fire for those before it.
std::string Alerts::members_of(std::size_t group, Instant at) const {
  std::vector<std::pair<std::string, std::string>> members;
  for (const model::WatchId id : watches_[group].watch->members) {
    const AlertState& state = state_.alerts[model::index(id)];
    const Watched& member = watches_[model::index(id)];
    if (!state.since || *state.fired_at > at) continue;
    members.emplace_back(member.subject, model::alert_id(site_.id, member.rule->id, member.subject, *state.since));
  }
  return members_text(members);
}

void Alerts::publish(std::size_t watch, AlertStage stage, Instant since, std::uint32_t revision,
                     const Finding& finding) {
  const Watched& one = watches_[watch];
  const AlertRule& rule = *one.rule;
  const bool silence = rule.measure == Measure::silence;
  rows_.push_back(
      {static_cast<model::WatchId>(watch),
       model::Alert{.at = finding.at,
                    .since = since,
                    .stage = stage,
                    .severity = rule.severity,
                    .id = model::alert_id(site_.id, rule.id, one.subject, since),
                    .name = rule.name,
                    .name_zh = rule.name_zh,
                    .value = finding.value,
                    .limit = silence ? static_cast<double>(rule.length.count()) / 1000 : limit_of(rule, finding.value),
                    .unit = one.watch->unit,
                    .revision = revision,
                    .cause = finding.cause,
                    .note = stage == AlertStage::firing ? members_of(watch, finding.at) : "",
                    .suppressed = state_.alerts[watch].suppressed,
                    .of = finding.of}});
  remember_told(watch);
  if (comes_behind(finding)) note_behind(watch, finding.at);
}

// By what fires by then, or is due and only waits for readings that may be under way. Of two silences the one that is
// decided first need not have begun first.
std::optional<std::size_t> Alerts::held_back_by(std::size_t watch, Instant at) const {
  for (const std::size_t parent : watches_[watch].parents) {
    const AlertRule& rule = *watches_[parent].rule;
    if (state_.alerts[parent].since) {
      if (watches_[watch].rule->measure == Measure::silence || *state_.alerts[parent].fired_at <= at) return parent;
      continue;
    }
    if (&rule == watches_[watch].rule || rule.measure == Measure::silence) continue;
    const std::optional<Instant> due = deadline(parent);
    if (due && *due <= at) return parent;
  }
  return std::nullopt;
}

// It ends then, and what was due before that has still waited for readings.
void Alerts::hold_back_due(std::size_t parent, Instant end) {
  for (const std::size_t i : children_[parent]) {
    if (watches_[i].rule->measure == Measure::silence || watches_[i].rule == watches_[parent].rule) continue;
    const std::optional<Instant> due = deadline(i);
    if (!due || *due < *state_.alerts[parent].fired_at || *due >= end) continue;
    change(i).held_back = true;
    ++change(parent).suppressed;
    parent_ended(i, end);
  }
}

// Or what was due of it does not fire.
void Alerts::parent_ended(std::size_t parent, Instant at) {
  for (const std::size_t i : children_[parent]) {
    if (!held_back_by(i, at)) let_go(i, at);
  }
}

// What was held back gets its full time again: with the gateway that is heard again come the meters behind it, and what
// is wrong with them may be over. Values are seen again by themselves.
void Alerts::let_go(std::size_t watch, Instant at) {
  const Measure measure = watches_[watch].rule->measure;
  if (measure != Measure::silence && measure != Measure::members) return;
  if (state_.alerts[watch].since || !state_.alerts[watch].held_back) return;
  AlertState& state = change(watch);
  state.held_back = false;
  if (measure == Measure::members && !state.holds_since) return;  // none of them fires any more
  std::optional<Instant>& from = measure == Measure::silence ? state.begun : state.holds_since;
  from = std::max(at, from.value_or(at));
  if (measure == Measure::members) state.seen_at = from;
  expect(*from);
}

bool Alerts::acknowledge(const std::string& id, const std::string& by, const std::string& note, Instant at) {
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    const std::optional<Instant> since = state_.alerts[i].since;
    if (!since || model::alert_id(site_.id, watches_[i].rule->id, watches_[i].subject, *since) != id) continue;
    if (state_.alerts[i].acknowledged) return true;
    AlertState& state = change(i);
    state.acknowledged = true;
    publish(i, AlertStage::acknowledged, *since, state.published++, {.at = at, .value = std::nan("")});
    auto& alert = rows_.back().body.get<model::Alert>();
    alert.by = by;
    alert.note = note;
    return true;
  }
  return false;
}

void Alerts::tell(model::WatchId watch, double value, const std::string& note, Instant at) {
  const std::size_t i = model::index(watch);
  const AlertState& state = state_.alerts.at(i);
  const std::size_t told = rows_.size();
  observe(i, {.at = std::max({at, state.fired_at.value_or(at), state.seen_at.value_or(at)}), .value = value});
  for (model::JournalRow& row : std::span(rows_).subspan(told)) {
    auto* alert = row.body.get_if<model::Alert>();
    if (alert && alert->stage == AlertStage::firing && row.subject == model::Subject(watch)) alert->note = note;
  }
}

void Alerts::settle() {
  std::vector<std::size_t> dirty;
  dirty.swap(dirty_);
  std::ranges::sort(dirty);
  for (const std::size_t i : dirty) {
    watches_[i].dirty = false;
    look_at(i);
  }
}

}  // namespace carbongate::pipeline

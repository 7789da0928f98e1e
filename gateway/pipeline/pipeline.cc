#include "gateway/pipeline/pipeline.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "gateway/model/hj212_flag.h"
#include "gateway/pipeline/corrections.h"
#include "gateway/pipeline/engine.h"
#include "gateway/pipeline/open_quarter.h"
#include "gateway/pipeline/said.h"
#include "gateway/pipeline/unwatched.h"

namespace carbongate::pipeline {
namespace {

using model::AccountId;
using model::Origin;
using model::Period;
using model::Quality;
using model::Rule;

// Those of one instant as they came. `sorted` holds them, if they came otherwise.
std::span<const Reading> by_time(std::span<const Reading> readings, std::vector<Reading>& sorted) {
  if (std::ranges::is_sorted(readings, {}, &Reading::at)) return readings;
  std::multimap<Instant, const Reading*> by_time;
  for (const Reading& reading : readings) by_time.emplace(reading.at, &reading);
  sorted.clear();
  for (const auto& [at, reading] : by_time) sorted.push_back(*reading);
  return sorted;
}

[[noreturn]] void refuse(const model::Account& account, const std::string& why) {
  throw std::invalid_argument("account " + account.user + ", " + std::string(account.carrier->id) + ": " + why);
}

}  // namespace

Pipeline::Engine::Engine(const model::Site& site, const FactorRegistry& factors, model::Checkpoint restored,
                         Order order)
    : live_every_(site.live_every),
      validity_(site.validity),
      calendar_(site.time_zone),
      live_factors_(site.live_factors, factors),
      state_(std::move(restored)),
      deriver_(site),
      due_(deriver_, order == Order::of_time),
      late_inputs_(site, state_.points),
      alerts_(site, calendar_, state_, rows_),
      late_since_(site.points.size()),
      silence_noted_until_(site.points.size()),
      changed_points_(site.points.size()),
      changed_accounts_(site.accounts.size()),
      reports_(site.stations, site.points, state_.stations),
      stations_heard_(site.stations.size()),
      changed_stations_(site.stations.size()) {
  if (factors.time_zone() != site.time_zone) {
    throw std::invalid_argument("emission factors were loaded for the time zone '" + factors.time_zone() +
                                "', the site is in '" + site.time_zone + "'");
  }
  state_.points.resize(site.points.size());
  state_.accounts.resize(site.accounts.size());
  deriver_.attach(state_.points);
  due_.restore(state_.points);
  for (const Point& point : site.points) {
    points_.push_back(
        {.quality = QualityRules(point, site.future_tolerance), .meter = {}, .reported = {}, .accounts = {}});
  }
  for (const model::Account& account : site.accounts) {
    accounts_.push_back({&account, AccountFactors(account, factors, &live_factors_), {}});
    attach(account, site);
  }
  judge_counters(site);
  for (std::size_t i = 0; i < points_.size(); ++i) {
    note_next_close(points_[i], state_.points[i]);
    if (state_.points[i].live) live_factors_.restore(static_cast<PointId>(i), *state_.points[i].live);
  }
}

void Pipeline::Engine::resume(Instant now, const std::map<std::string, std::string>& sources) {
  alerts_.resume(now, sources);
  due_.wait_anew(now);
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    if (price_open_quarter(state_.accounts[i], accounts_[i].factors)) changed_accounts_.note(i);
  }
}

void Pipeline::Engine::attach(const model::Account& account, const model::Site& site) {
  const std::size_t source = index(account.source);
  if (source >= site.points.size()) refuse(account, "its point does not exist");
  const Point& point = site.points[source];
  PointRules& rules = points_[source];
  for (const std::size_t other : rules.accounts) {
    if (!(accounts_[other].account->carrier->quantum == account.carrier->quantum)) {
      refuse(account, "point " + point.full_name() + " is already counted as " +
                          std::string(accounts_[other].account->carrier->id));
    }
  }
  rules.accounts.push_back(index(account.id));
  if (rules.meter) return;
  rules.quanta_per_unit = quanta_per_unit(account.carrier->quantum, point.unit);
  using Amounts = EnergyMeter::Amounts;
  rules.meter = EnergyMeter::make(point, *account.carrier,
                                  deriver_.has_no_gaps(point.id) ? Amounts::without_gaps : Amounts::on_their_own);
  if (!rules.meter) {
    const std::string why = explain_mismatch(point.unit, *account.carrier);
    refuse(account, "point " + point.full_name() + ": " + (why.empty() ? "its kind does not fit its unit" : why));
  }
}

// What stations and rules are told of a counter is what the accounts are: no glitch, and no exchange as if it were an
// amount.
void Pipeline::Engine::judge_counters(const model::Site& site) {
  const auto judge = [&](const std::optional<PointId>& id) {
    if (!id || site.points[index(*id)].kind != Kind::cumulative) return;
    const Point& point = site.points[index(*id)];
    PointRules& rules = points_[index(*id)];
    const auto carrier = counted_as(point.unit);
    if (rules.meter || rules.reported || !carrier) return;
    rules.reported = EnergyMeter::make(point, *carrier);
    rules.quanta_per_unit = quanta_per_unit(carrier->quantum, point.unit);
  };
  for (const model::Station& station : site.stations) {
    for (const model::StationFactor& factor : station.factors) {
      judge(factor.point);
      judge(factor.reduced);
      judge(factor.amount);
    }
  }
  for (const model::Watch& watch : site.watches) {
    if (watch.point.empty()) continue;
    for (const PointId point : watch.points) judge(point);
  }
}

model::Effects Pipeline::Engine::ingest(std::span<const Batch> batches, Instant now) {
  std::size_t readings = 0;
  for (const Batch& batch : batches) readings += batch.readings.size();
  rows_.reserve(readings + readings / 8 + 16);
  std::vector<Reading> sorted;
  for (const Batch& batch : batches) {
    alerts_.hear(batch);
    due_.begin_batch();
    make_what_waited(batch.received, now);
    const auto is_input = [this](const Reading& r) { return !deriver_.made_of(r.point).empty(); };
    const bool is_any = std::ranges::any_of(batch.readings, is_input);
    std::span<const Reading> rest = is_any ? by_time(batch.readings, sorted) : batch.readings;
    while (!rest.empty()) {
      const auto next = std::ranges::find_if(rest, [&](const Reading& r) { return r.at != rest.front().at; });
      const std::span<const Reading> instant(rest.begin(), next);
      rest = {next, rest.end()};
      if (due_.release_before(instant, state_.points)) make_what_waited(batch.received, now);
      for (const Reading& reading : instant) {
        alerts_.pass(std::min(reading.at, batch.received), batch.received);
        ingest_one(reading, batch.received, now);
      }
      derive_what_is_due(batch.received, now);
      alerts_.settle();
    }
  }
  return take_effects();
}

model::Effects Pipeline::Engine::pass(Instant now, bool all_taken_in) {
  due_.begin_batch();
  if (all_taken_in) make_what_waited(now, now);
  alerts_.pass(now, now);
  tell_silent_minutes(now);
  return take_effects();
}

// Before any reading of a later time is taken in.
void Pipeline::Engine::make_what_waited(Instant heard, Instant now) {
  if (derive_what_is_due(heard, now)) alerts_.settle();
}

model::Effects Pipeline::Engine::tell(model::WatchId watch, double value, const std::string& note, Instant at) {
  alerts_.tell(watch, value, note, at);
  return take_effects();
}

model::Effects Pipeline::Engine::told_late(std::span<const LateJudgement> judgements) {
  alerts_.told_late(judgements);
  for (const LateJudgement& judgement : judgements) {
    for (const LateRate& rate : judgement.rates) {
      const std::size_t i = index(rate.account);
      model::AccountState& account = state_.accounts[i];
      if (state_.points[index(accounts_[i].account->source)].last_at != rate.newest) continue;
      account.amount_per_hour = rate.amount_per_hour;
      account.co2e_kg_per_hour = rate.co2e_kg_per_hour.value_or(account.co2e_kg_per_hour);
      changed_accounts_.note(i);
    }
  }
  return take_effects();
}

model::Effects Pipeline::Engine::acknowledge(const std::string& alert, const std::string& by, const std::string& note,
                                             Instant at) {
  alerts_.acknowledge(alert, by, note, at);
  return take_effects();
}

model::Effects Pipeline::Engine::keep_apart(std::span<const Batch> batches) {
  for (const Batch& batch : batches) {
    for (const Reading& reading : batch.readings) {
      const bool by_device = reading.stamped_by == StampedBy::device;
      Quality kept{Origin::missing, model::unknown_time_rule(by_device, reading.hj212_flag)};
      // What is marked as no value must not become one.
      const auto said = model::from_hj212_flag(reading.hj212_flag);
      if (reading.hj212_flag != model::kNoFlag && !said) kept.rule = Rule::unknown_flag;
      if (said && !usable(*said)) kept = *said;
      record(reading, kept);
    }
  }
  return take_effects();
}

model::Effects Pipeline::Engine::take_effects() {
  live_factors_.take_changed([&](PointId source, const model::LiveFactorState& state) {
    state_.points.at(index(source)).live = state;
    changed_points_.note(index(source));
  });
  model::Effects effects{
      .rows = std::move(rows_), .points = {}, .accounts = {}, .found_wrong = std::move(found_wrong_)};
  rows_ = {};
  found_wrong_ = {};
  changed_points_.take([&](std::size_t i) { effects.points.emplace_back(static_cast<PointId>(i), state_.points[i]); });
  changed_accounts_.take(
      [&](std::size_t i) { effects.accounts.emplace_back(static_cast<AccountId>(i), state_.accounts[i]); });
  changed_stations_.take(
      [&](std::size_t i) { effects.stations.emplace_back(static_cast<model::StationId>(i), state_.stations[i]); });
  alerts_.take_changed(
      [&](model::WatchId watch, const model::AlertState& state) { effects.alerts.emplace_back(watch, state); });
  return effects;
}

// `given`: what the inputs of a derived reading are worth. It cannot make a reading countable that is not. Nor is it
// late for having waited.
void Pipeline::Engine::ingest_one(const Reading& reading, Instant heard, Instant now, Quality given,
                                  std::optional<Instant> waited_since) {
  const std::size_t point = index(reading.point);
  const PointRules& rules = points_.at(point);
  model::PointState& state = state_.points[point];
  Quality judged = rules.quality.judge(reading, state, waited_since.value_or(heard), now);
  // What a feed of factors revises is counted like what it says late: live_factors.h.
  if (judged == Quality{Origin::missing, Rule::duplicate} && live_factors_.hears(reading.point)) {
    judged = {Origin::late, Rule::out_of_order};
  }
  if (countable(judged) || !usable(given)) judged = worse(given, judged);
  Counted counted{.quality = judged};
  if (const auto& meter = rules.meter ? rules.meter : rules.reported) counted = meter->count(reading, judged, state);
  record(reading, counted.quality);
  report(reading, counted, now);
  if (judged.rule == Rule::out_of_order) {
    place_late(reading, counted);
    return;
  }
  if (!countable(counted.quality)) {
    withdraw(reading, counted.quality);
    return;
  }

  if (const auto& closed = state.derived.closed_until; closed && state.last_at < closed && reading.at > *closed) {
    // It goes on behind what was closed, of whose next quarter hour a part may be missing.
    note_late(reading.point, *closed, calendar_.period(Period::quarter_hour, reading.at).end);
  }
  alerts_.heard(reading, counted.quality, heard);
  if (!deriver_.taken_by(reading.point).empty()) {
    const SaidValue said{.value = reading.value, .quality = counted.quality};
    keep_earlier(state, reading.at, &said);
  }
  state.last_at = reading.at;
  state.last_value = reading.value;
  state.last_quality = counted.quality;
  const bool is_older = state.withdrawn_at > reading.at;  // a newer one said that it does not hold any more
  if (!is_older) state.withdrawn_at.reset();
  const bool is_late =
      is_older ? note_out_of_order(reading.point, reading.at) : note_made_without(reading.point, reading.at, true);
  if (is_late) ++statistics_.late_inputs;
  if (!state.rejected.empty()) settle_rejected(reading);
  learn_live_factor(reading);
  changed_points_.note(point);
  account_for(point, counted);
  take_back(reading.point, counted.withdrawn, reading.at);
  statistics_.late_for_alerts = alerts_.heard_behind();
  if (!deriver_.fed_by(reading.point).empty()) due_.add(reading, counted.quality);
  due_.heard(reading.point);
  close_what_was_missed(reading);
}

void Pipeline::Engine::report(const Reading& reading, const Counted& counted, Instant now) {
  const std::vector<std::size_t>& stations = reports_.stations_of(reading.point);
  if (stations.empty()) return;
  const Reports::Heard heard{.point = reading.point,
                             .at = reading.at,
                             .value = reading.value,
                             .quality = counted.quality,
                             .moved = counted.movements,
                             .quanta_per_unit = points_[index(reading.point)].quanta_per_unit};
  for (const std::size_t station : stations) {
    stations_heard_[station] = now;
    reports_.take(station, heard, calendar_, state_.stations[station],
                  [this](model::StationId id, model::Report made) { emit_row(id, std::move(made)); });
    changed_stations_.note(station);
  }
}

// Of stations of which nothing comes for a minute's length, be it new or of before: a logger that sends what it has
// kept is not silent.
void Pipeline::Engine::tell_silent_minutes(Instant now) {
  for (std::size_t i = 0; i < stations_heard_.size(); ++i) {
    auto& heard = stations_heard_[i];
    if (!heard && reports_.watch(i, now, calendar_, state_.stations[i])) changed_stations_.note(i);
    if (!heard || now < *heard) heard = now;  // the clock was set back
    if (now - *heard < reports_.patience(i)) continue;
    const bool is_changed =
        reports_.pass(i, now, calendar_, state_.stations[i],
                      [this](model::StationId id, model::Report made) { emit_row(id, std::move(made)); });
    if (is_changed) changed_stations_.note(i);
  }
}

// False: nothing was.
bool Pipeline::Engine::derive_what_is_due(Instant heard, Instant now) {
  bool is_any = false;
  while (const auto step = due_.next(state_.points, heard)) {
    is_any = true;
    for (const PointId changed : step->changed) changed_points_.note(index(changed));
    for (const Deriver::TakenBack& of : step->withdrawn) take_back(of.input, {&of.withdrawn, 1}, of.decided);
    for (const Deriver::Derived& result : step->results) {
      const auto before = state_.points[index(result.reading.point)].last_at;
      ingest_one(result.reading, heard, now, result.quality, step->heard);
      note_made(result.reading, before);
      if (result.of_later && note_off(result.reading.point, result.reading.at)) ++statistics_.late_inputs;
    }
  }
  return is_any;
}

// A rejected reading of what a derived point is computed from: from then on the value before it is no longer known to
// hold, and a result that follows the point is missing too. One that comes late changes what was made of that value, as
// a late value would.
void Pipeline::Engine::withdraw(const Reading& reading, Quality quality) {
  model::PointState& state = state_.points[index(reading.point)];
  if (!withdraws(quality) || state.last_at == reading.at) return;
  leave_unwatched(reading.point, reading.at);
  for (const PointId result : deriver_.following(reading.point)) leave_unwatched(result, reading.at);
  const bool is_older = state.last_at > reading.at;
  bool is_noted = false;
  for (const PointId result : deriver_.made_of(reading.point)) {
    if (late_inputs_.is_late(result, reading.at)) is_noted |= note_late(result, reading.at);
  }
  if (is_older || state.withdrawn_at > reading.at) {
    is_noted |= note_out_of_order(reading.point, reading.at);
  } else if (state.withdrawn_at != reading.at) {
    is_noted |= note_made_without(reading.point, reading.at, false);
  }
  if (is_noted) ++statistics_.late_inputs;
  if (!deriver_.taken_by(reading.point).empty()) keep_earlier(state, reading.at, nullptr);
  if (is_older || deriver_.made_of(reading.point).empty()) return;
  state.withdrawn_at = std::max(reading.at, state.withdrawn_at.value_or(reading.at));
  changed_points_.note(index(reading.point));
  if (!deriver_.fed_by(reading.point).empty()) due_.add(reading, quality);
  due_.heard(reading.point);
}

// A rejected reading of the point at that time, or of what it follows: a sum has none of its own. Where something is
// counted for good beyond it, only restatement can say so.
void Pipeline::Engine::leave_unwatched(PointId id, Instant at) {
  model::PointState& state = state_.points[index(id)];
  const auto& meter = points_[index(id)].meter;
  const auto counted = meter ? meter->counted_until(state) : std::nullopt;
  if (counted && at > *counted) {
    note_rejected(state.rejected, at, state.last_at);
    changed_points_.note(index(id));
  } else if (counted && at < *counted) {
    ++statistics_.late_rejected;
    note_late(id, at);
  }
}

// An accepted reading came: what was rejected before it is counted with it, unless the counter is in doubt.
void Pipeline::Engine::settle_rejected(const Reading& reading) {
  model::PointState& state = state_.points[index(reading.point)];
  if (const model::RejectedRun* run = run_around(state.rejected, reading.at)) {
    note_late(reading.point, reading.at, calendar_.period(Period::quarter_hour, run->last).end);
  }
  std::erase(state.rejected, model::RejectedRun{.first = reading.at, .last = reading.at});
  const auto& meter = points_[index(reading.point)].meter;
  forget_rejected(state.rejected, meter->counted_until(state).value_or(reading.at));
}

model::Effects Pipeline::Engine::correct(std::span<const model::Amendment> amendments,
                                         std::span<const model::AccountRollup> rollups,
                                         std::span<const model::LateDataSettled> restated) {
  Corrections corrections(calendar_, validity_, rollups);
  const auto until = [this](AccountId account) { return counted_until(accounts_[index(account)].account->source); };
  for (const model::Amendment& amendment : amendments) {
    const std::size_t i = index(amendment.account);
    const std::size_t source = index(accounts_.at(i).account->source);
    const auto counted = until(amendment.account);
    if (counted) begin_totals(state_.accounts[i], amendment.correction.begin);
    model::EmissionEntry entry = corrections.book(amendment, counted, accounts_[i].factors, state_.accounts[i]);
    note_next_close(points_[source], state_.points[source]);  // it may have opened periods
    alerts_.corrected(amendment.account, entry, amendment.covered_before);
    emit_row(amendment.account, std::move(entry));
    changed_accounts_.note(i);
  }
  for (model::AccountRollup& rollup : corrections.revised(state_.accounts, until)) {
    emit_row(rollup.account, std::move(rollup.row));
  }
  alerts_.settle();
  for (const model::LateDataSettled& settled : restated) settle_late(settled);
  return take_effects();
}

void Pipeline::Engine::record(const Reading& reading, Quality quality) {
  ++statistics_.readings;
  if (!usable(quality)) {
    ++statistics_.rejected;
    ++statistics_.rejected_by_rule[static_cast<std::size_t>(quality.rule)];
  }
  ++statistics_.by_rule[static_cast<std::size_t>(quality.rule)];
  emit_row(reading.point, model::JudgedReading{.at = reading.at, .value = reading.value, .quality = quality});
}

Pipeline::Pipeline(const model::Site& site, const FactorRegistry& factors, model::Checkpoint restored, Order order)
    : engine_(std::make_unique<Engine>(site, factors, std::move(restored), order)) {}
Pipeline::~Pipeline() = default;
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;

model::Effects Pipeline::ingest(std::span<const Batch> batches, Instant now) {
  return engine_->ingest(batches, now);
}
model::Effects Pipeline::keep_apart(std::span<const Batch> batches) {
  return engine_->keep_apart(batches);
}
void Pipeline::resume(Instant now, const std::map<std::string, std::string>& sources) {
  engine_->resume(now, sources);
}
model::Effects Pipeline::pass(Instant now, bool all_taken_in) {
  return engine_->pass(now, all_taken_in);
}
model::Effects Pipeline::tell(model::WatchId watch, double value, const std::string& note, Instant at) {
  return engine_->tell(watch, value, note, at);
}
std::vector<LateWatch> Pipeline::late_watches() const {
  return engine_->late_watches();
}

model::Effects Pipeline::told_late(std::span<const LateJudgement> judgements) {
  return engine_->told_late(judgements);
}

std::vector<LateStation> Pipeline::late_stations() const {
  return engine_->late_stations();
}

model::Effects Pipeline::told_late(std::span<const LateReportJudgement> judgements) {
  return engine_->told_late(judgements);
}

model::Effects Pipeline::acknowledge(const std::string& alert, const std::string& by, const std::string& note,
                                     Instant at) {
  return engine_->acknowledge(alert, by, note, at);
}
model::Effects Pipeline::correct(std::span<const model::Amendment> amendments,
                                 std::span<const model::AccountRollup> rollups,
                                 std::span<const model::LateDataSettled> restated) {
  return engine_->correct(amendments, rollups, restated);
}
void Pipeline::begin_restating(PointId point) {
  engine_->begin_restating(point);
}
std::optional<Instant> Pipeline::counted_until(PointId point) const {
  return engine_->counted_until(point);
}
const model::Checkpoint& Pipeline::state() const {
  return engine_->state();
}
const Statistics& Pipeline::statistics() const {
  return engine_->statistics();
}

}  // namespace carbongate::pipeline

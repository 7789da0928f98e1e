#include "gateway/pipeline/pipeline.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "gateway/model/hj212_flag.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/corrections.h"
#include "gateway/pipeline/deriver.h"
#include "gateway/pipeline/due.h"
#include "gateway/pipeline/emission.h"
#include "gateway/pipeline/energy.h"
#include "gateway/pipeline/late_inputs.h"
#include "gateway/pipeline/quality.h"
#include "gateway/pipeline/rollup.h"

namespace carbongate::pipeline {
namespace {

using model::AccountId;
using model::Basis;
using model::OpenPeriod;
using model::Origin;
using model::Period;
using model::Quality;
using model::Rule;

constexpr std::array kPeriods{Period::quarter_hour, Period::hour, Period::day, Period::month, Period::year};
constexpr std::size_t kQuarter = 0;
constexpr double kMsPerHour = 3'600'000.0;

[[noreturn]] void refuse(const model::Account& account, const std::string& why) {
  throw std::invalid_argument("account " + account.user + ", " + std::string(account.carrier->id) + ": " + why);
}

// Which subjects changed during one call, each noted once.
class Changed {
 public:
  explicit Changed(std::size_t count) : noted_(count, false) {}
  void note(std::size_t index) {
    if (noted_[index]) return;
    noted_[index] = true;
    list_.push_back(index);
  }
  template <class F>
  void take(F&& f) {
    for (const std::size_t i : list_) {
      noted_[i] = false;
      f(i);
    }
    list_.clear();
  }

 private:
  std::vector<bool> noted_;
  std::vector<std::size_t> list_;
};

}  // namespace

class Pipeline::Engine {
 public:
  Engine(const model::Site& site, const FactorRegistry& factors, model::Checkpoint restored);

  model::Effects ingest(std::span<const Batch> batches, Instant now);
  model::Effects keep_apart(std::span<const Batch> batches);
  model::Effects correct(std::span<const model::Amendment> amendments, std::span<const model::AccountRollup> rollups,
                         std::span<const model::LateDataSettled> restated);
  const model::Checkpoint& state() const { return state_; }
  const Statistics& statistics() const { return statistics_; }
  std::optional<Instant> counted_until(PointId point) const {
    const auto& meter = points_.at(index(point)).meter;
    const model::PointState& state = state_.points[index(point)];
    return meter ? std::max(meter->counted_until(state), state.derived.closed_until) : std::nullopt;
  }

 private:
  struct AccountRules {
    const model::Account* account;
    AccountFactors factors;
    model::Co2e co2e_before;  // the movement being booked
  };
  struct PointRules {
    QualityRules quality;
    std::optional<EnergyMeter> meter;  // nullopt: no account uses the point, its readings are only recorded
    std::vector<std::size_t> accounts;
    Instant next_close = Instant::max();  // earliest end of an open period of the point or its accounts
  };

  model::Effects take_effects();
  void note_late(PointId point, Instant at);
  void note_late(PointId point, Instant at, Instant until);
  void close_what_was_missed(const Reading& reading);
  void close_without_result(PointId result, Instant until);
  void attach(const model::Account& account, const model::Site& site);
  void ingest_one(const Reading& reading, Instant heard, Instant now, Quality given = {});
  void withdraw(const Reading& reading, Quality quality);
  void derive_what_is_due(Instant heard, Instant now);
  void record(const Reading& reading, Quality quality);
  void account_for(std::size_t point, const Counted& counted);
  void book(std::size_t point, const Movement& movement);
  void book_span(std::size_t point, const Movement& movement, Instant begin, Instant end);
  void book_account(std::size_t account, Booking booking);
  void mark_ends(std::size_t point, const Movement& movement, Instant first);
  void note_rates(std::size_t point, const Movement& movement);
  void close_until(std::size_t point, Instant until);
  void close_account(std::size_t account, Instant until);
  void publish_entry(std::size_t account);
  void note_next_close(PointRules& rules, const model::PointState& point) const;
  void show_progress(std::size_t point, Instant at);

  template <class Body>
  void emit_row(model::Subject subject, Body&& body) {
    rows_.push_back({subject, std::forward<Body>(body)});
  }

  Duration live_every_;
  model::ValidityRules validity_;
  Calendar calendar_;
  LiveFactors live_factors_;
  std::vector<PointRules> points_;
  std::vector<AccountRules> accounts_;
  model::Checkpoint state_;
  Deriver deriver_;
  Due due_;
  LateInputs late_inputs_;
  Statistics statistics_;
  std::vector<model::JournalRow> rows_;
  Changed changed_points_;
  Changed changed_accounts_;
};

Pipeline::Engine::Engine(const model::Site& site, const FactorRegistry& factors, model::Checkpoint restored)
    : live_every_(site.live_every),
      validity_(site.validity),
      calendar_(site.time_zone),
      live_factors_(site.live_factors, factors),
      state_(std::move(restored)),
      deriver_(site),
      due_(deriver_),
      late_inputs_(site, state_.points),
      changed_points_(site.points.size()),
      changed_accounts_(site.accounts.size()) {
  if (factors.time_zone() != site.time_zone) {
    throw std::invalid_argument("emission factors were loaded for the time zone '" + factors.time_zone() +
                                "', the site is in '" + site.time_zone + "'");
  }
  state_.points.resize(site.points.size());
  state_.accounts.resize(site.accounts.size());
  deriver_.attach(state_.points);
  for (const Point& point : site.points) {
    points_.push_back({QualityRules(point, site.future_tolerance), std::nullopt, {}, Instant::max()});
  }
  for (const model::Account& account : site.accounts) {
    accounts_.push_back({&account, AccountFactors(account, factors, &live_factors_), {}});
    attach(account, site);
  }
  for (std::size_t i = 0; i < points_.size(); ++i) {
    note_next_close(points_[i], state_.points[i]);
    if (state_.points[i].live) live_factors_.restore(static_cast<PointId>(i), *state_.points[i].live);
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
  using Amounts = EnergyMeter::Amounts;
  rules.meter = EnergyMeter::make(point, *account.carrier,
                                  deriver_.has_no_gaps(point.id) ? Amounts::without_gaps : Amounts::on_their_own);
  if (!rules.meter) {
    const std::string why = explain_mismatch(point.unit, *account.carrier);
    refuse(account, "point " + point.full_name() + ": " + (why.empty() ? "its kind does not fit its unit" : why));
  }
}

model::Effects Pipeline::Engine::ingest(std::span<const Batch> batches, Instant now) {
  std::size_t readings = 0;
  for (const Batch& batch : batches) readings += batch.readings.size();
  rows_.reserve(readings + readings / 8 + 16);
  for (const Batch& batch : batches) {
    for (const Reading& reading : batch.readings) {
      if (!due_.empty() && reading.at != due_.at()) derive_what_is_due(batch.received, now);
      ingest_one(reading, batch.received, now);
    }
    derive_what_is_due(batch.received, now);
  }
  return take_effects();
}

model::Effects Pipeline::Engine::keep_apart(std::span<const Batch> batches) {
  for (const Batch& batch : batches) {
    for (const Reading& reading : batch.readings) {
      Quality kept{Origin::missing, reading.stamped_by == StampedBy::device ? Rule::device_clock : Rule::clock};
      // A mark is not stored: what is marked as no value must not become one.
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
  model::Effects effects{.rows = std::move(rows_), .points = {}, .accounts = {}};
  rows_ = {};
  changed_points_.take([&](std::size_t i) { effects.points.emplace_back(static_cast<PointId>(i), state_.points[i]); });
  changed_accounts_.take(
      [&](std::size_t i) { effects.accounts.emplace_back(static_cast<AccountId>(i), state_.accounts[i]); });
  return effects;
}

// `given`: what the inputs of a derived reading are worth. It cannot make a reading countable that is not.
void Pipeline::Engine::ingest_one(const Reading& reading, Instant heard, Instant now, Quality given) {
  const std::size_t point = index(reading.point);
  const PointRules& rules = points_.at(point);
  model::PointState& state = state_.points[point];
  Quality judged = rules.quality.judge(reading, state, heard, now);
  if (countable(judged) || !usable(given)) judged = worse(given, judged);
  Counted counted{.quality = judged};
  if (rules.meter) counted = rules.meter->count(reading, judged, state);
  record(reading, counted.quality);
  if (counted.quality.rule == Rule::out_of_order) {
    for (const PointId result : deriver_.made_of(reading.point)) note_late(result, reading.at);
    note_late(reading.point, reading.at);
    close_what_was_missed(reading);
  }
  if (!countable(counted.quality)) {
    withdraw(reading, counted.quality);
    return;
  }

  if (const auto& closed = state.derived.closed_until; closed && state.last_at < closed && reading.at > *closed) {
    // It goes on behind what was closed, of whose next quarter hour a part may be missing.
    note_late(reading.point, *closed, calendar_.period(Period::quarter_hour, reading.at).end);
  }
  state.last_at = reading.at;
  state.last_value = reading.value;
  state.last_quality = counted.quality;
  state.withdrawn_at.reset();
  live_factors_.learn(reading.point, reading.at, reading.value);
  changed_points_.note(point);
  if (rules.meter) account_for(point, counted);
  if (!deriver_.fed_by(reading.point).empty()) due_.add(reading, counted.quality);
  close_what_was_missed(reading);
}

void Pipeline::Engine::derive_what_is_due(Instant heard, Instant now) {
  if (due_.empty()) return;
  while (const auto step = due_.next(state_.points)) {
    for (const PointId changed : step->changed) changed_points_.note(index(changed));
    for (const Deriver::Derived& result : step->results) ingest_one(result.reading, heard, now, result.quality);
  }
}

// A rejected reading of what a derived point is computed from: from then on the value before it is no longer known to
// hold, and a result that follows the point is missing too.
void Pipeline::Engine::withdraw(const Reading& reading, Quality quality) {
  model::PointState& state = state_.points[index(reading.point)];
  if (!withdraws(quality) || deriver_.made_of(reading.point).empty()) return;
  if (state.last_at && reading.at <= *state.last_at) return;
  state.withdrawn_at = std::max(reading.at, state.withdrawn_at.value_or(reading.at));
  changed_points_.note(index(reading.point));
  if (!deriver_.fed_by(reading.point).empty()) due_.add(reading, quality);
}

// An input of derived points that comes too far behind the others: they have no result there. The quarter hours that
// all inputs were heard of by now are closed as they are, and wait for restatement.
void Pipeline::Engine::close_what_was_missed(const Reading& reading) {
  for (const PointId result : deriver_.made_of(reading.point)) {
    const model::PointState& state = state_.points[index(result)];
    const bool is_late = late_inputs_.is_late(result, reading.at);
    const bool is_behind = state.derived.closed_until > state.last_at;  // also where there was none
    if (!points_[index(result)].meter || !(is_late || is_behind)) continue;
    const auto heard = late_inputs_.heard_until(result, state_.points);
    if (!heard) continue;
    const Instant until = calendar_.period(Period::quarter_hour, *heard).begin;
    const auto counted = counted_until(result);
    if (counted && until <= *counted) continue;
    note_late(result, std::min(reading.at, counted.value_or(until)), until);
    close_without_result(result, until);
  }
}

void Pipeline::Engine::close_without_result(PointId result, Instant until) {
  const std::size_t point = index(result);
  close_until(point, until);
  state_.points[point].derived.closed_until = until;
  // What is corrected in a period that goes on belongs to what is still open of it.
  for (const std::size_t i : points_[point].accounts) {
    for (std::size_t p = kQuarter + 1; p < kPeriods.size(); ++p) {
      open_at(until, kPeriods[p], calendar_, state_.accounts[i].open[p]);
    }
    changed_accounts_.note(i);
  }
  note_next_close(points_[point], state_.points[point]);
}

// It is older than what is counted already: restatement will find its place, also in what is computed from it.
void Pipeline::Engine::note_late(PointId point, Instant at) {
  const model::PointState& state = state_.points[index(point)];
  std::optional<Instant> known = state.last_at;
  if (state.derived.closed_until) known = std::max(known, std::optional(*state.derived.closed_until - Duration(1)));
  if (!points_[index(point)].meter || !known) return;
  note_late(point, at, state.open ? state.open->end : calendar_.period(Period::quarter_hour, std::max(at, *known)).end);
}

void Pipeline::Engine::note_late(PointId point, Instant at, Instant until) {
  model::PointState& state = state_.points[index(point)];
  if (!state.late) state.late = {.earliest = at, .affects_until = until, .readings = 0};
  state.late->earliest = std::min(state.late->earliest, at);
  state.late->affects_until = std::max(state.late->affects_until, until);
  if (state.late->readings != std::numeric_limits<std::uint32_t>::max()) ++state.late->readings;
  changed_points_.note(index(point));
}

model::Effects Pipeline::Engine::correct(std::span<const model::Amendment> amendments,
                                         std::span<const model::AccountRollup> rollups,
                                         std::span<const model::LateDataSettled> restated) {
  Corrections corrections(calendar_, validity_, rollups);
  for (const model::Amendment& amendment : amendments) {
    const std::size_t i = index(amendment.account);
    emit_row(amendment.account, corrections.book(amendment, accounts_.at(i).factors, state_.accounts[i]));
    changed_accounts_.note(i);
  }
  for (model::AccountRollup& rollup : corrections.revised(state_.accounts))
    emit_row(rollup.account, std::move(rollup.row));
  for (const model::LateDataSettled& settled : restated) {
    std::optional<model::LateData>& late = state_.points.at(index(settled.point)).late;
    if (late != settled.known) continue;
    late = settled.left;
    changed_points_.note(index(settled.point));
  }
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

void Pipeline::Engine::account_for(std::size_t point, const Counted& counted) {
  for (const Movement& movement : counted) book(point, movement);
  const auto until = points_[point].meter->counted_until(state_.points[point]);
  if (!until) return;
  close_until(point, *until);
  show_progress(point, *until);
}

// Cuts a movement at the quarter hours. It is booked at once, so that running totals are live; the entry of a quarter
// is what was booked in it.
void Pipeline::Engine::book(std::size_t point, const Movement& movement) {
  for (const std::size_t i : points_[point].accounts) {
    accounts_[i].co2e_before = state_.accounts[i].emissions[Basis::primary].total.co2e;
  }
  // What was closed without it is not opened again.
  const Instant first = std::max(movement.begin, state_.points[point].derived.closed_until.value_or(movement.begin));
  if (first > movement.begin) {
    note_late(static_cast<PointId>(point), movement.begin,
              calendar_.period(Period::quarter_hour, std::max(first, movement.end) - Duration(1)).end);
  }
  if (movement.hollow()) {
    mark_ends(point, movement, first);
  } else {
    Instant begin = first;
    while (begin < movement.end) {
      close_until(point, begin);
      const auto& quarter = open_at(begin, Period::quarter_hour, calendar_, state_.points[point].open);
      const Instant end = std::min(quarter.end, movement.end);
      book_span(point, movement, begin, end);
      begin = end;
    }
  }
  note_rates(point, movement);
}

// The present rate is the mean over the last movement.
void Pipeline::Engine::note_rates(std::size_t point, const Movement& movement) {
  const double hours = static_cast<double>((movement.end - movement.begin).count()) / kMsPerHour;
  for (const std::size_t i : points_[point].accounts) {
    model::AccountState& account = state_.accounts[i];
    const auto quanta_per_display = static_cast<double>(accounts_[i].account->carrier->quanta_per_display);
    const model::Co2e co2e = account.emissions[Basis::primary].total.co2e - accounts_[i].co2e_before;
    account.amount_per_hour = static_cast<double>(movement.amount.quanta()) / quanta_per_display / hours;
    account.co2e_kg_per_hour =
        static_cast<double>(co2e.quanta()) / static_cast<double>(model::kMilligramsPerKilogram) / hours;
    changed_accounts_.note(i);
  }
}

// `begin` and `end` lie within the open quarter hour.
void Pipeline::Engine::book_span(std::size_t point, const Movement& movement, Instant begin, Instant end) {
  PointRules& rules = points_[point];
  const Booking booking{.span = {begin, end},
                        .amount = movement.until(end) - movement.until(begin),
                        .covered = movement.covered,
                        .quality = movement.quality};
  model::OpenInterval& quarter = *state_.points[point].open;
  add(booking, quarter);
  rules.next_close = std::min(rules.next_close, quarter.end);
  for (const std::size_t i : rules.accounts) book_account(i, booking);
}

void Pipeline::Engine::book_account(std::size_t index, Booking booking) {
  model::AccountState& account = state_.accounts[index];
  AccountFactors& factors = accounts_[index].factors;
  const Instant at = booking.span.begin;
  model::PerBasis<model::Emitted> emitted;
  for (const Basis basis : model::kBases) {
    if (!factors[basis].chosen()) continue;
    const model::Factor* factor = factors[basis].at(at);
    if (factor) {
      emitted[basis] = emit(booking.amount, *factor, account.emissions[basis]);
    } else if (basis == Basis::primary) {
      booking.quality = worse(booking.quality, {Origin::missing, Rule::no_factor});
    }
  }
  model::StandardCoal coal;
  if (const model::Factor* factor = factors.coal.at(at)) {
    coal = model::StandardCoal::of(multiply(booking.amount, factor->scaled_coal, account.coal_remainder));
  }
  account.amount += booking.amount;
  account.coal += coal;
  for (std::size_t p = 0; p < kPeriods.size(); ++p) {
    OpenPeriod& period = open_at(at, kPeriods[p], calendar_, account.open[p]);
    add(booking, period);
    period.coal += coal;
    for (const Basis basis : model::kBases) period.emitted[basis] += emitted[basis];
  }
}

// A time that nobody watched: the periods at both of its ends are the worse for it, those in between have no row at
// all.
void Pipeline::Engine::mark_ends(std::size_t point, const Movement& movement, Instant first) {
  const Instant last = movement.end - Duration(1);
  for (const Instant at : {movement.begin, last}) {
    if (at < first) continue;
    close_until(point, at);
    const Span quarter = calendar_.period(Period::quarter_hour, at);
    open_at(at, Period::quarter_hour, calendar_, state_.points[point].open);
    book_span(point, movement, at, at);
    if (quarter.contains(last)) break;
  }
}

void Pipeline::Engine::close_until(std::size_t point, Instant until) {
  PointRules& rules = points_[point];
  if (until < rules.next_close) return;
  model::PointState& state = state_.points[point];
  if (state.open && state.open->end <= until) {
    if (worth_a_row(*state.open)) {
      ++statistics_.intervals;
      emit_row(static_cast<PointId>(point), make_interval(*state.open));
    }
    state.open.reset();
  }
  for (const std::size_t account : rules.accounts) close_account(account, until);
  note_next_close(rules, state);
}

void Pipeline::Engine::close_account(std::size_t index, Instant until) {
  model::AccountState& account = state_.accounts[index];
  for (std::size_t p = 0; p < kPeriods.size(); ++p) {
    std::optional<OpenPeriod>& open = account.open[p];
    if (!open || open->end > until) continue;
    if (worth_a_row(*open)) {
      if (p == kQuarter) publish_entry(index);
      emit_row(static_cast<AccountId>(index), make_rollup(kPeriods[p], *open, validity_));
    }
    if (kPeriods[p] == Period::hour && judge(Period::hour, *open, validity_) == model::Validity::valid) {
      for (std::size_t longer = p + 1; longer < kPeriods.size(); ++longer) {
        if (account.open[longer]) ++account.open[longer]->valid_hours;
      }
    }
    open.reset();
    changed_accounts_.note(index);
  }
}

// The quarter hour is complete: its entry, and with it the uncertainties of all that it is a part of.
void Pipeline::Engine::publish_entry(std::size_t index) {
  model::AccountState& account = state_.accounts[index];
  OpenPeriod& quarter = *account.open[kQuarter];
  model::EmissionEntry entry = make_entry(quarter, *accounts_[index].account, accounts_[index].factors);
  ++statistics_.entries;
  if (entry.quality.rule == Rule::no_factor) ++statistics_.entries_without_factor;
  for (const Basis basis : model::kBases) {
    const model::Emitted uncertainty{.co2e = {},
                                     .gases = {},
                                     .u95_activity = quarter.emitted[basis].u95_activity,
                                     .u95_factor = quarter.emitted[basis].u95_factor};
    account.emissions[basis].total += uncertainty;
    for (std::size_t p = kQuarter + 1; p < kPeriods.size(); ++p) {
      if (account.open[p]) account.open[p]->emitted[basis] += uncertainty;
    }
  }
  emit_row(static_cast<AccountId>(index), std::move(entry));
}

void Pipeline::Engine::note_next_close(PointRules& rules, const model::PointState& point) const {
  rules.next_close = point.open ? point.open->end : Instant::max();
  for (const std::size_t account : rules.accounts) {
    for (const std::optional<OpenPeriod>& open : state_.accounts[account].open) {
      if (open) rules.next_close = std::min(rules.next_close, open->end);
    }
  }
}

void Pipeline::Engine::show_progress(std::size_t point, Instant at) {
  for (const std::size_t i : points_[point].accounts) {
    model::AccountState& account = state_.accounts[i];
    if (account.live_at && (at <= *account.live_at || at - *account.live_at < live_every_)) continue;
    account.live_at = at;
    changed_accounts_.note(i);
    emit_row(static_cast<AccountId>(i), model::RunningTotal{.at = at,
                                                            .amount = account.amount,
                                                            .co2e = account.emissions[Basis::primary].total.co2e,
                                                            .co2e_market = account.emissions[Basis::market].total.co2e,
                                                            .amount_per_hour = account.amount_per_hour,
                                                            .co2e_kg_per_hour = account.co2e_kg_per_hour});
  }
}

Pipeline::Pipeline(const model::Site& site, const FactorRegistry& factors, model::Checkpoint restored)
    : engine_(std::make_unique<Engine>(site, factors, std::move(restored))) {}
Pipeline::~Pipeline() = default;
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;

model::Effects Pipeline::ingest(std::span<const Batch> batches, Instant now) {
  return engine_->ingest(batches, now);
}
model::Effects Pipeline::keep_apart(std::span<const Batch> batches) {
  return engine_->keep_apart(batches);
}
model::Effects Pipeline::correct(std::span<const model::Amendment> amendments,
                                 std::span<const model::AccountRollup> rollups,
                                 std::span<const model::LateDataSettled> restated) {
  return engine_->correct(amendments, rollups, restated);
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

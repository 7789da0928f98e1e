#include "gateway/store/state_record.h"

#include <utility>

#include "gateway/store/database.h"
#include "gateway/store/record_parts.h"

namespace carbongate::store {
namespace {

using store::get;  // those of record_parts.h beside the ones here
using store::put;

using model::Activity;

using Counter = std::pair<Instant, model::Cumulative<Activity>>;

void put(const Counter& counter, proto::Counter& message) {
  message.set_at_ms(ms(counter.first));
  message.set_since_zero(counter.second.since_zero().quanta());
}

void put(const model::LiveFactorState& state, proto::LiveFactor& message) {
  const auto& [decided_until, values] = state;
  message.set_decided_until_ms(ms(decided_until));
  std::int64_t before = 0;
  for (const auto& [at, until, since, value] : values) {
    message.add_from_ms(ms(at) - before);
    message.add_length_ms(ms(until) - ms(at));
    message.add_late_ms(ms(since) - ms(at));
    message.add_value(value);
    before = ms(at);
  }
}

model::LiveFactorState get(const proto::LiveFactor& message) {
  model::LiveFactorState state{.decided_until = instant(message.decided_until_ms()), .values = {}};
  const bool states_late = message.late_ms_size() != 0;
  if (message.from_ms_size() != message.value_size() || message.length_ms_size() != message.value_size() ||
      (states_late && message.late_ms_size() != message.value_size())) {
    throw DamagedRecord("a live factor's lists differ in length");
  }
  std::int64_t at = 0;
  for (int i = 0; i < message.value_size(); ++i) {
    at += message.from_ms(i);
    state.values.push_back({.at = instant(at),
                            .until = instant(at + message.length_ms(i)),
                            .since = instant(at + (states_late ? message.late_ms(i) : 0)),
                            .value = message.value(i)});
  }
  return state;
}

Counter get(const proto::Counter& message) {
  return {instant(message.at_ms()), model::Cumulative<Activity>::at(Activity::of(message.since_zero()))};
}

// What an open interval and an open period have in common.
template <class Open, class Message>
void put_open(const Open& open, Message& message) {
  message.set_begin_ms(ms(open.begin));
  message.set_length_ms((open.end - open.begin).count());
  message.set_amount(open.amount.quanta());
  message.set_covered_ms(open.covered.count());
  message.set_quality(static_cast<std::uint32_t>(encode_quality(open.quality)));
}

template <class Open, class Message>
Open get_open(const Message& message) {
  Open open;
  open.begin = instant(message.begin_ms());
  open.end = end_of(open.begin, message.length_ms());
  open.amount = Activity::of(message.amount());
  open.covered = Duration(message.covered_ms());
  open.quality = decode_quality(message.quality());
  return open;
}

void put(const model::OpenPeriod& period, proto::OpenPeriod& message) {
  put_open(period, message);
  message.set_coal_mg(period.coal.quanta());
  message.set_bridged_ms(period.bridged.count());
  message.set_valid_hours(period.valid_hours);
  put_bases(period.emitted, message);
}

model::OpenPeriod get(const proto::OpenPeriod& message) {
  auto period = get_open<model::OpenPeriod>(message);
  period.coal = model::StandardCoal::of(message.coal_mg());
  period.bridged = Duration(message.bridged_ms());
  period.valid_hours = message.valid_hours();
  period.emitted = get_bases(message);
  return period;
}

void put(const model::CourseReading& reading, proto::CourseReading& message) {
  const auto& [shown, float32, quality] = reading;
  put(shown, *message.mutable_shown());
  message.set_float32(float32);
  message.set_quality(static_cast<std::uint32_t>(encode_quality(quality)));
}

model::CourseReading get(const proto::CourseReading& message) {
  return {.shown = get(message.shown()), .float32 = message.float32(), .quality = decode_quality(message.quality())};
}

// Its fields stand among those of a point and of a derived point's input.
template <class Message>
void put_counter(const model::CounterState& state, Message& message) {
  const auto& [baseline, pending, pending_since, doubts, abandoned, stands_since, settled_until, falls, before, course,
               unbooked] = state;
  if (baseline) put(*baseline, *message.mutable_baseline());
  if (pending) put(*pending, *message.mutable_pending());
  if (pending_since) message.set_pending_since_ms(ms(*pending_since));
  message.set_doubts(doubts);
  if (abandoned) put(*abandoned, *message.mutable_abandoned());
  if (stands_since) message.set_stands_since_ms(ms(*stands_since));
  if (settled_until) message.set_settled_until_ms(ms(*settled_until));
  message.set_falls(falls);
  if (before) put(*before, *message.mutable_before());
  for (const model::CourseReading& reading : course) put(reading, *message.add_course());
  message.set_unbooked(unbooked.quanta());
}

template <class Message>
model::CounterState get_counter(const Message& message) {
  model::CounterState state;
  if (message.has_baseline()) state.baseline = get(message.baseline());
  if (message.has_pending()) state.pending = get(message.pending());
  if (message.has_pending_since_ms()) state.pending_since = instant(message.pending_since_ms());
  state.doubts = static_cast<std::uint8_t>(message.doubts());
  if (message.has_abandoned()) state.abandoned = get(message.abandoned());
  if (message.has_stands_since_ms()) state.stands_since = instant(message.stands_since_ms());
  if (message.has_settled_until_ms()) state.settled_until = instant(message.settled_until_ms());
  state.falls = static_cast<std::uint8_t>(message.falls());
  if (message.has_before()) state.before = get(message.before());
  for (const auto& reading : message.course()) state.course.push_back(get(reading));
  state.unbooked = Activity::of(message.unbooked());
  return state;
}

void put(const model::DerivedInputState& state, proto::DerivedInput& message) {
  const auto& [point, counter, last_value, since, heard] = state;
  message.set_point(point);
  put_counter(counter, message);
  message.set_last_value(last_value);
  message.set_since(since.quanta());
  message.set_heard(heard);
}

model::DerivedInputState get(const proto::DerivedInput& message) {
  model::DerivedInputState state;
  state.point = message.point();
  state.counter = get_counter(message);
  state.last_value = message.last_value();
  state.since = Activity::of(message.since());
  state.heard = message.heard();
  return state;
}

void put(const model::WaitingReading& reading, proto::WaitingReading& message) {
  const auto& [at, value, quality, since] = reading;
  message.set_at_ms(ms(at));
  message.set_value(value);
  message.set_quality(static_cast<std::uint32_t>(encode_quality(quality)));
  message.set_since_ms(ms(since));
}

model::WaitingReading get(const proto::WaitingReading& message) {
  return {.at = instant(message.at_ms()),
          .value = message.value(),
          .quality = decode_quality(message.quality()),
          .since = instant(message.since_ms())};
}

void put(const model::EarlierInput& before, proto::EarlierInput& message) {
  const auto& [heard_at, last_at, last_value, last_quality, withdrawn] = before;
  message.set_heard_at_ms(ms(heard_at));
  if (last_at) message.set_last_at_ms(ms(*last_at));
  message.set_last_value(last_value);
  message.set_last_quality(static_cast<std::uint32_t>(encode_quality(last_quality)));
  message.set_withdrawn(withdrawn);
}

model::EarlierInput get(const proto::EarlierInput& message) {
  model::EarlierInput before;
  before.heard_at = instant(message.heard_at_ms());
  if (message.has_last_at_ms()) before.last_at = instant(message.last_at_ms());
  before.last_value = message.last_value();
  before.last_quality = decode_quality(message.last_quality());
  before.withdrawn = message.withdrawn();
  return before;
}

void put(const model::DerivedState& state, proto::Derived& message) {
  const auto& [inputs, total, remainder, held, begun, closed_until, waiting, made_until, off] = state;
  for (const model::DerivedInputState& input : inputs) put(input, *message.add_inputs());
  message.set_total(total.quanta());
  message.set_remainder(remainder);
  message.set_held(static_cast<std::uint32_t>(encode_quality(held)));
  message.set_begun(begun);
  if (closed_until) message.set_closed_until_ms(ms(*closed_until));
  if (waiting) put(*waiting, *message.mutable_waiting());
  if (made_until) message.set_made_until_ms(ms(*made_until));
  message.set_off(off);
}

model::DerivedState get(const proto::Derived& message) {
  model::DerivedState state;
  for (const proto::DerivedInput& input : message.inputs()) state.inputs.push_back(get(input));
  state.total = Activity::of(message.total());
  state.remainder = message.remainder();
  state.held = decode_quality(message.held());
  state.begun = message.begun();
  if (message.has_closed_until_ms()) state.closed_until = instant(message.closed_until_ms());
  if (message.has_waiting()) state.waiting = get(message.waiting());
  if (message.has_made_until_ms()) state.made_until = instant(message.made_until_ms());
  state.off = message.off();
  return state;
}

void put(const model::EmissionState& state, proto::EmissionState& message) {
  const auto& [total, gas_remainders, co2e_remainder] = state;
  put(total, *message.mutable_total());
  put_gases(gas_remainders, *message.mutable_gas_remainders());
  message.set_co2e_remainder(co2e_remainder);
}

model::EmissionState get(const proto::EmissionState& message) {
  model::EmissionState state{
      .total = get(message.total()), .gas_remainders = {}, .co2e_remainder = message.co2e_remainder()};
  get_gases(message.gas_remainders(), state.gas_remainders);
  return state;
}

}  // namespace

// The structured bindings below name every member of a state on purpose: one that is added to the model does not
// compile until it is stored too.
void put(const model::PointState& state, proto::PointState& message) {
  const auto& [last_at, last_value, last_quality, withdrawn_at, before, rejected, counter, integration_remainder, open,
               late, live, derived] = state;
  if (last_at) message.set_last_at_ms(ms(*last_at));
  message.set_last_value(last_value);
  put_counter(counter, message);
  message.set_integration_remainder(integration_remainder);
  if (open) put_open(*open, *message.mutable_open());
  if (late) {
    message.mutable_late()->set_earliest_ms(ms(late->earliest));
    message.mutable_late()->set_affects_until_ms(ms(late->affects_until));
    message.mutable_late()->set_readings(late->readings);
  }
  if (live) put(*live, *message.mutable_live());
  message.set_last_quality(static_cast<std::uint32_t>(encode_quality(last_quality)));
  if (withdrawn_at) message.set_withdrawn_at_ms(ms(*withdrawn_at));
  if (before) put(*before, *message.mutable_earlier());
  for (const model::RejectedRun& run : rejected) {
    proto::RejectedRun& part = *message.add_rejected();
    part.set_first_ms(ms(run.first));
    part.set_last_ms(ms(run.last));
  }
  if (derived != model::DerivedState{}) put(derived, *message.mutable_derived());
}

void put(const model::AccountState& state, proto::AccountState& message) {
  const auto& [amount, coal, coal_remainder, emissions, live_at, since, covered, quality, amount_per_hour,
               co2e_kg_per_hour, open] = state;
  message.set_amount(amount.quanta());
  message.set_coal_mg(coal.quanta());
  message.set_coal_remainder(coal_remainder);
  const auto& primary = emissions[model::Basis::primary];
  const auto& market = emissions[model::Basis::market];
  if (primary != model::EmissionState{}) put(primary, *message.mutable_primary());
  if (market != model::EmissionState{}) put(market, *message.mutable_market());
  if (live_at) message.set_live_at_ms(ms(*live_at));
  if (since) message.set_since_ms(ms(*since));
  message.set_covered_ms(covered.count());
  message.set_quality(static_cast<std::uint32_t>(encode_quality(quality)));
  message.set_amount_per_hour(amount_per_hour);
  message.set_co2e_kg_per_hour(co2e_kg_per_hour);
  for (std::size_t period = 0; period < open.size(); ++period) {
    if (!open[period]) continue;
    proto::OpenPeriod& part = *message.add_open();
    put(*open[period], part);
    part.set_period(static_cast<std::uint32_t>(period));
  }
}

model::PointState get(const proto::PointState& message) {
  model::PointState state;
  if (message.has_last_at_ms()) state.last_at = instant(message.last_at_ms());
  state.last_value = message.last_value();
  state.counter = get_counter(message);
  state.integration_remainder = message.integration_remainder();
  if (message.has_open()) state.open = get_open<model::OpenInterval>(message.open());
  if (message.has_late()) {
    state.late = {.earliest = instant(message.late().earliest_ms()),
                  .affects_until = instant(message.late().affects_until_ms()),
                  .readings = message.late().readings()};
  }
  if (message.has_live()) state.live = get(message.live());
  state.last_quality = decode_quality(message.last_quality());
  if (message.has_withdrawn_at_ms()) state.withdrawn_at = instant(message.withdrawn_at_ms());
  if (message.has_earlier()) state.before = get(message.earlier());
  for (const proto::RejectedRun& run : message.rejected()) {
    state.rejected.push_back({.first = instant(run.first_ms()), .last = instant(run.last_ms())});
  }
  if (message.has_derived()) state.derived = get(message.derived());
  return state;
}

model::AccountState get(const proto::AccountState& message) {
  model::AccountState state;
  state.amount = Activity::of(message.amount());
  state.coal = model::StandardCoal::of(message.coal_mg());
  state.coal_remainder = message.coal_remainder();
  state.emissions[model::Basis::primary] = get(message.primary());
  state.emissions[model::Basis::market] = get(message.market());
  if (message.has_live_at_ms()) state.live_at = instant(message.live_at_ms());
  if (message.has_since_ms()) state.since = instant(message.since_ms());
  state.covered = Duration(message.covered_ms());
  state.quality = decode_quality(message.quality());
  state.amount_per_hour = message.amount_per_hour();
  state.co2e_kg_per_hour = message.co2e_kg_per_hour();
  for (const proto::OpenPeriod& part : message.open()) {
    state.open[static_cast<std::size_t>(decode_period(part.period()))] = get(part);
  }
  return state;
}

}  // namespace carbongate::store

#include "gateway/store/record.h"

#include <google/protobuf/stubs/logging.h>

#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "gateway/store/alert_record.h"
#include "gateway/store/database.h"
#include "gateway/store/record.pb.h"
#include "gateway/store/report_record.h"

namespace carbongate::store {
namespace {

using model::Activity;
using model::Co2e;

constexpr std::int64_t kRuleShift = 4;
constexpr std::uint32_t kLineNamesPartOf = 3;  // the first format of a line that does
constexpr auto kPlainNan = std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN());

std::int64_t ms(Instant at) {
  return at.time_since_epoch().count();
}
Instant instant(std::int64_t ms) {
  return Instant(Duration(ms));
}

Instant end_of(Instant begin, std::int64_t length_ms) {
  std::int64_t end_ms = 0;
  if (__builtin_add_overflow(ms(begin), length_ms, &end_ms)) throw DamagedRecord("a period ends beyond all time");
  return instant(end_ms);
}

model::Period decode_period(std::uint32_t number) {
  if (number >= model::kPeriodCount) throw DamagedRecord("unknown period " + std::to_string(number));
  return static_cast<model::Period>(number);
}

model::Validity decode_validity(std::uint32_t number) {
  if (number > static_cast<std::uint32_t>(model::Validity::invalid)) {
    throw DamagedRecord("unknown validity " + std::to_string(number));
  }
  return static_cast<model::Validity>(number);
}

template <class Message>
void parse(Message& message, std::string_view bytes) {
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw DamagedRecord("a record of " + std::to_string(bytes.size()) + " bytes cannot be read");
  }
}

// What interval, entry and rollup have in common.
template <class Row, class Message>
void put_span(const Row& row, Message& message) {
  message.set_length_ms((row.end - row.begin).count());
  message.set_amount(row.amount.quanta());
  message.set_covered_ms(row.covered.count());
}

template <class Row, class Message>
Row get_span(const RecordColumns& columns, const Message& message) {
  Row row;
  row.begin = instant(columns.at_ms);
  row.end = end_of(row.begin, message.length_ms());
  row.amount = Activity::of(message.amount());
  row.covered = Duration(message.covered_ms());
  row.quality = decode_quality(columns.quality);
  return row;
}

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

template <class Number>
void put_gases(const model::PerGas<Number>& gases, google::protobuf::RepeatedPtrField<proto::Gas>& list) {
  gases.each([&](model::Gas gas, Number number) {
    proto::Gas& message = *list.Add();
    message.set_gas(static_cast<std::uint32_t>(gas));
    if constexpr (std::is_same_v<Number, std::int64_t>) {
      message.set_mg(number);
    } else {
      message.set_mg(number.quanta());
    }
  });
}

template <class Number>
void get_gases(const google::protobuf::RepeatedPtrField<proto::Gas>& list, model::PerGas<Number>& gases) {
  for (const proto::Gas& message : list) {
    if (message.gas() >= model::kGasCount) throw DamagedRecord("unknown gas " + std::to_string(message.gas()));
    Number& number = gases[static_cast<model::Gas>(message.gas())];
    if constexpr (std::is_same_v<Number, std::int64_t>) {
      number = message.mg();
    } else {
      number = Number::of(message.mg());
    }
  }
}

void put(const model::Emitted& emitted, proto::Emitted& message) {
  const auto& [co2e, gases, u95_activity, u95_factor] = emitted;
  message.set_co2e_mg(co2e.quanta());
  put_gases(gases, *message.mutable_gases());
  message.set_u95_activity_mg(u95_activity.quanta());
  message.set_u95_factor_mg(u95_factor.quanta());
}

model::Emitted get(const proto::Emitted& message) {
  model::Emitted emitted{.co2e = Co2e::of(message.co2e_mg()),
                         .gases = {},
                         .u95_activity = Co2e::of(message.u95_activity_mg()),
                         .u95_factor = Co2e::of(message.u95_factor_mg())};
  get_gases(message.gases(), emitted.gases);
  return emitted;
}

// Both bases of a message that has them as `primary` and `market`; what is zero takes no room.
template <class Message>
void put_bases(const model::PerBasis<model::Emitted>& emitted, Message& message) {
  if (const auto& primary = emitted[model::Basis::primary]; primary != model::Emitted{}) {
    put(primary, *message.mutable_primary());
  }
  if (const auto& market = emitted[model::Basis::market]; market != model::Emitted{}) {
    put(market, *message.mutable_market());
  }
}

template <class Message>
model::PerBasis<model::Emitted> get_bases(const Message& message) {
  model::PerBasis<model::Emitted> emitted;
  emitted[model::Basis::primary] = get(message.primary());
  emitted[model::Basis::market] = get(message.market());
  return emitted;
}

void put(const model::Emission& emission, proto::Emission& message) {
  put(emission.emitted, *message.mutable_emitted());
  message.set_factor_id(emission.factor_id);
  message.set_factor_version(emission.factor_version);
  message.set_gwp_set(emission.gwp_set);
}

model::Emission get(const proto::Emission& message) {
  return {.emitted = get(message.emitted()),
          .factor_id = message.factor_id(),
          .factor_version = message.factor_version(),
          .gwp_set = message.gwp_set()};
}

void put(const model::Correction& correction, proto::Correction& message) {
  message.set_cause(static_cast<std::uint32_t>(correction.cause));
  message.set_note(correction.note);
  message.set_booked_at_ms(ms(correction.booked_at));
  message.set_readings_through(correction.readings_through);
}

model::Correction get(const proto::Correction& message) {
  return {.cause = decode_cause(message.cause()),
          .note = message.note(),
          .booked_at = instant(message.booked_at_ms()),
          .readings_through = message.readings_through()};
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
  message.set_valid_hours(period.valid_hours);
  put_bases(period.emitted, message);
}

model::OpenPeriod get(const proto::OpenPeriod& message) {
  auto period = get_open<model::OpenPeriod>(message);
  period.coal = model::StandardCoal::of(message.coal_mg());
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
  const auto& [baseline, pending, pending_since, doubts, abandoned, stands_since, settled_until, falls, course,
               unbooked] = state;
  if (baseline) put(*baseline, *message.mutable_baseline());
  if (pending) put(*pending, *message.mutable_pending());
  if (pending_since) message.set_pending_since_ms(ms(*pending_since));
  message.set_doubts(doubts);
  if (abandoned) put(*abandoned, *message.mutable_abandoned());
  if (stands_since) message.set_stands_since_ms(ms(*stands_since));
  if (settled_until) message.set_settled_until_ms(ms(*settled_until));
  message.set_falls(falls);
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

void put(const model::DerivedState& state, proto::Derived& message) {
  const auto& [inputs, total, remainder, held, begun, closed_until] = state;
  for (const model::DerivedInputState& input : inputs) put(input, *message.add_inputs());
  message.set_total(total.quanta());
  message.set_remainder(remainder);
  message.set_held(static_cast<std::uint32_t>(encode_quality(held)));
  message.set_begun(begun);
  if (closed_until) message.set_closed_until_ms(ms(*closed_until));
}

model::DerivedState get(const proto::Derived& message) {
  model::DerivedState state;
  for (const proto::DerivedInput& input : message.inputs()) state.inputs.push_back(get(input));
  state.total = Activity::of(message.total());
  state.remainder = message.remainder();
  state.held = decode_quality(message.held());
  state.begun = message.begun();
  if (message.has_closed_until_ms()) state.closed_until = instant(message.closed_until_ms());
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

double decode_value(double column, std::string_view body) {
  if (!std::isnan(column) || body.empty()) return column;
  std::uint64_t bits = 0;
  for (const char byte : body) bits = bits << 8 | static_cast<unsigned char>(byte);
  const double value = std::bit_cast<double>(bits);
  if (body.size() != sizeof bits || !std::isnan(value)) throw DamagedRecord("the bits of a reading that is no number");
  return value;
}

std::int64_t encode_quality(model::Quality quality) {
  return static_cast<std::int64_t>(quality.origin) | static_cast<std::int64_t>(quality.rule) << kRuleShift;
}

model::Quality decode_quality(std::int64_t number) {
  const std::int64_t origin = number & ((1 << kRuleShift) - 1);
  const std::int64_t rule = number >> kRuleShift;
  if (number < 0 || origin > static_cast<std::int64_t>(model::Origin::missing) ||
      rule >= static_cast<std::int64_t>(model::kRuleCount) || !model::is_known(static_cast<model::Rule>(rule))) {
    throw DamagedRecord("unknown quality " + std::to_string(number));
  }
  return {static_cast<model::Origin>(origin), static_cast<model::Rule>(rule)};
}

struct RecordCodec::Messages {
  proto::Interval interval;
  proto::Entry entry;
  proto::Rollup rollup;
  proto::RunningTotal total;
  proto::PointState point;
  proto::AccountState account;
  proto::Alert alert;
  proto::AlertState alert_state;
  proto::Report report;
  proto::StationState station;
  std::string bytes;

  template <class Message>
  std::string_view serialize(const Message& message) {
    message.SerializeToString(&bytes);
    return bytes;
  }

  RecordColumns encode(const model::JudgedReading& reading) {
    bytes.clear();
    if (std::isnan(reading.value)) {
      const auto bits = std::bit_cast<std::uint64_t>(reading.value);
      for (int shift = 56; shift >= 0 && bits != kPlainNan; shift -= 8) bytes += static_cast<char>(bits >> shift);
    }
    return {RowKind::reading, ms(reading.at), reading.value, encode_quality(reading.quality), bytes};
  }

  RecordColumns encode(const model::EnergyInterval& row) {
    put_span(row, interval);
    return {RowKind::interval, ms(row.begin), 0, encode_quality(row.quality), serialize(interval)};
  }

  RecordColumns encode(const model::EmissionEntry& row) {
    entry.Clear();
    put_span(row, entry);
    put(row.primary, *entry.mutable_primary());
    if (row.market) put(*row.market, *entry.mutable_market());
    entry.set_coal_mg(row.coal.quanta());
    entry.set_coal_factor_id(row.coal_factor_id);
    entry.set_revision(row.revision);
    if (row.correction) put(*row.correction, *entry.mutable_correction());
    if (row.names_part_of) entry.set_line_format(kLineNamesPartOf);
    return {RowKind::entry, ms(row.begin), 0, encode_quality(row.quality), serialize(entry)};
  }

  RecordColumns encode(const model::RollupRow& row) {
    rollup.Clear();
    put_span(row, rollup);
    put_bases(row.emitted, rollup);
    rollup.set_coal_mg(row.coal.quanta());
    rollup.set_revision(row.revision);
    rollup.set_valid_hours(row.valid_hours);
    rollup.set_validity(static_cast<std::uint32_t>(row.validity));
    rollup.set_period(static_cast<std::uint32_t>(row.period));
    return {RowKind::rollup, ms(row.begin), 0, encode_quality(row.quality), serialize(rollup)};
  }

  RecordColumns encode(const model::RunningTotal& row) {
    total.set_amount(row.amount.quanta());
    total.set_co2e_mg(row.co2e.quanta());
    total.set_co2e_market_mg(row.co2e_market.quanta());
    total.set_amount_per_hour(row.amount_per_hour);
    total.set_co2e_kg_per_hour(row.co2e_kg_per_hour);
    return {RowKind::running_total, ms(row.at), 0, 0, serialize(total)};
  }

  RecordColumns encode(const model::Alert& row) {
    alert.Clear();
    put(row, alert);
    return {RowKind::alert, ms(row.at), 0, 0, serialize(alert)};
  }

  RecordColumns encode(const model::Report& row) {
    report.Clear();
    put_report(row, report);
    const RowKind kind = row.kind == model::ReportKind::real_time ? RowKind::instant : RowKind::report;
    return {kind, ms(row.begin), 0, 0, serialize(report)};
  }
};

RecordCodec::RecordCodec() : messages_(std::make_unique<Messages>()) {
  // What it cannot read becomes a DamagedRecord, for which somebody has better words.
  static const auto silenced = google::protobuf::SetLogHandler(nullptr);
  static_cast<void>(silenced);
}
RecordCodec::~RecordCodec() = default;

RecordColumns RecordCodec::encode(const model::RowBody& body) {
  return body.visit([this](const auto& row) { return messages_->encode(row); });
}

// The structured bindings below name every member of a state on purpose: one that is added to the model does not
// compile until it is stored too.
std::string_view RecordCodec::encode(const model::PointState& state) {
  const auto& [last_at, last_value, last_quality, withdrawn_at, counter, integration_remainder, open, late, live,
               derived] = state;
  proto::PointState& message = messages_->point;
  message.Clear();
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
  if (derived != model::DerivedState{}) put(derived, *message.mutable_derived());
  return messages_->serialize(message);
}

std::string_view RecordCodec::encode(const model::AccountState& state) {
  const auto& [amount, coal, coal_remainder, emissions, live_at, amount_per_hour, co2e_kg_per_hour, open] = state;
  proto::AccountState& message = messages_->account;
  message.Clear();
  message.set_amount(amount.quanta());
  message.set_coal_mg(coal.quanta());
  message.set_coal_remainder(coal_remainder);
  const auto& primary = emissions[model::Basis::primary];
  const auto& market = emissions[model::Basis::market];
  if (primary != model::EmissionState{}) put(primary, *message.mutable_primary());
  if (market != model::EmissionState{}) put(market, *message.mutable_market());
  if (live_at) message.set_live_at_ms(ms(*live_at));
  message.set_amount_per_hour(amount_per_hour);
  message.set_co2e_kg_per_hour(co2e_kg_per_hour);
  for (std::size_t period = 0; period < open.size(); ++period) {
    if (!open[period]) continue;
    proto::OpenPeriod& part = *message.add_open();
    put(*open[period], part);
    part.set_period(static_cast<std::uint32_t>(period));
  }
  return messages_->serialize(message);
}

std::string_view RecordCodec::encode(const model::AlertState& state) {
  messages_->alert_state.Clear();
  put(state, messages_->alert_state);
  return messages_->serialize(messages_->alert_state);
}

std::string_view RecordCodec::encode(const model::StationState& state) {
  proto::StationState& message = messages_->station;
  message.Clear();
  put_station(state, message);
  return messages_->serialize(message);
}

model::RowBody RecordCodec::decode_row(const RecordColumns& columns) {
  switch (columns.kind) {
    case RowKind::reading:
      return model::JudgedReading{instant(columns.at_ms), decode_value(columns.value, columns.body),
                                  decode_quality(columns.quality)};
    case RowKind::running_total: {
      proto::RunningTotal& message = messages_->total;
      parse(message, columns.body);
      return model::RunningTotal{instant(columns.at_ms),      Activity::of(message.amount()),
                                 Co2e::of(message.co2e_mg()), Co2e::of(message.co2e_market_mg()),
                                 message.amount_per_hour(),   message.co2e_kg_per_hour()};
    }
    case RowKind::interval:
      parse(messages_->interval, columns.body);
      return get_span<model::EnergyInterval>(columns, messages_->interval);
    case RowKind::entry: {
      const proto::Entry& message = messages_->entry;
      parse(messages_->entry, columns.body);
      auto row = get_span<model::EmissionEntry>(columns, message);
      row.primary = get(message.primary());
      if (message.has_market()) row.market = get(message.market());
      row.coal = model::StandardCoal::of(message.coal_mg());
      row.coal_factor_id = message.coal_factor_id();
      row.revision = message.revision();
      if (message.has_correction()) row.correction = get(message.correction());
      if (message.line_format() != 0 && message.line_format() != kLineNamesPartOf) {
        throw DamagedRecord("an entry whose line is of an unknown format " + std::to_string(message.line_format()));
      }
      row.names_part_of = message.line_format() == kLineNamesPartOf;
      return row;
    }
    case RowKind::rollup: {
      parse(messages_->rollup, columns.body);
      auto row = get_span<model::RollupRow>(columns, messages_->rollup);
      row.period = decode_period(messages_->rollup.period());
      row.emitted = get_bases(messages_->rollup);
      row.coal = model::StandardCoal::of(messages_->rollup.coal_mg());
      row.revision = messages_->rollup.revision();
      row.valid_hours = messages_->rollup.valid_hours();
      row.validity = decode_validity(messages_->rollup.validity());
      return row;
    }
    case RowKind::report:
    case RowKind::instant:
      parse(messages_->report, columns.body);
      if ((messages_->report.kind() == static_cast<std::uint32_t>(model::ReportKind::real_time)) !=
          (columns.kind == RowKind::instant)) {
        throw DamagedRecord("a report of another kind than its row");
      }
      return get_report(messages_->report, instant(columns.at_ms));
    case RowKind::alert: parse(messages_->alert, columns.body); return get(messages_->alert, instant(columns.at_ms));
  }
  throw DamagedRecord("unknown kind of row " + std::to_string(static_cast<int>(columns.kind)));
}

model::PointState RecordCodec::decode_point(std::string_view bytes) {
  proto::PointState& message = messages_->point;
  parse(message, bytes);
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
  if (message.has_derived()) state.derived = get(message.derived());
  return state;
}

model::AccountState RecordCodec::decode_account(std::string_view bytes) {
  proto::AccountState& message = messages_->account;
  parse(message, bytes);
  model::AccountState state;
  state.amount = Activity::of(message.amount());
  state.coal = model::StandardCoal::of(message.coal_mg());
  state.coal_remainder = message.coal_remainder();
  state.emissions[model::Basis::primary] = get(message.primary());
  state.emissions[model::Basis::market] = get(message.market());
  if (message.has_live_at_ms()) state.live_at = instant(message.live_at_ms());
  state.amount_per_hour = message.amount_per_hour();
  state.co2e_kg_per_hour = message.co2e_kg_per_hour();
  for (const proto::OpenPeriod& part : message.open()) {
    state.open[static_cast<std::size_t>(decode_period(part.period()))] = get(part);
  }
  return state;
}

model::AlertState RecordCodec::decode_alert(std::string_view bytes) {
  parse(messages_->alert_state, bytes);
  return get(messages_->alert_state);
}

model::StationState RecordCodec::decode_station(std::string_view bytes) {
  parse(messages_->station, bytes);
  return get_station(messages_->station);
}

}  // namespace carbongate::store

#include "gateway/store/record.h"

#include "gateway/store/database.h"
#include "gateway/store/record.pb.h"

namespace carbongate::store {
namespace {

using model::Activity;
using model::Co2e;

constexpr std::int64_t kRuleShift = 4;

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

Counter get(const proto::Counter& message) {
  return {instant(message.at_ms()), model::Cumulative<Activity>::at(Activity::of(message.since_zero()))};
}

void put(const model::OpenPeriod& period, proto::OpenPeriod& message) {
  const auto& [begin, end, amount, co2e, covered, quality] = period;
  message.set_begin_ms(ms(begin));
  message.set_length_ms((end - begin).count());
  message.set_amount(amount.quanta());
  message.set_co2e_mg(co2e.quanta());
  message.set_covered_ms(covered.count());
  message.set_quality(static_cast<std::uint32_t>(encode_quality(quality)));
}

model::OpenPeriod get(const proto::OpenPeriod& message) {
  const Instant begin = instant(message.begin_ms());
  return {.begin = begin,
          .end = end_of(begin, message.length_ms()),
          .amount = Activity::of(message.amount()),
          .co2e = Co2e::of(message.co2e_mg()),
          .covered = Duration(message.covered_ms()),
          .quality = decode_quality(message.quality())};
}

}  // namespace

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
  std::string bytes;

  template <class Message>
  std::string_view serialize(const Message& message) {
    message.SerializeToString(&bytes);
    return bytes;
  }

  RecordColumns encode(const model::JudgedReading& reading) {
    return {RowKind::reading, ms(reading.at), reading.value, encode_quality(reading.quality), {}};
  }

  RecordColumns encode(const model::EnergyInterval& row) {
    put_span(row, interval);
    return {RowKind::interval, ms(row.begin), 0, encode_quality(row.quality), serialize(interval)};
  }

  RecordColumns encode(const model::EmissionEntry& row) {
    put_span(row, entry);
    entry.set_co2e_mg(row.co2e.quanta());
    entry.set_factor_id(row.factor_id);
    entry.set_factor_version(row.factor_version);
    return {RowKind::entry, ms(row.begin), 0, encode_quality(row.quality), serialize(entry)};
  }

  RecordColumns encode(const model::RollupRow& row) {
    put_span(row, rollup);
    rollup.set_co2e_mg(row.co2e.quanta());
    rollup.set_period(static_cast<std::uint32_t>(row.period));
    return {RowKind::rollup, ms(row.begin), 0, encode_quality(row.quality), serialize(rollup)};
  }

  RecordColumns encode(const model::RunningTotal& row) {
    total.set_amount(row.amount.quanta());
    total.set_co2e_mg(row.co2e.quanta());
    total.set_amount_per_hour(row.amount_per_hour);
    total.set_co2e_kg_per_hour(row.co2e_kg_per_hour);
    return {RowKind::running_total, ms(row.at), 0, 0, serialize(total)};
  }
};

RecordCodec::RecordCodec() : messages_(std::make_unique<Messages>()) {}
RecordCodec::~RecordCodec() = default;

RecordColumns RecordCodec::encode(const model::RowBody& body) {
  return std::visit([this](const auto& row) { return messages_->encode(row); }, body);
}

// The structured bindings below name every member of a state on purpose: one that is added to the model does not
// compile until it is stored too.
std::string_view RecordCodec::encode(const model::PointState& state) {
  const auto& [last_at, last_value, baseline, pending, doubts, abandoned, stands_since, settled_until, falls, unbooked,
               integration_remainder, open] = state;
  proto::PointState& message = messages_->point;
  message.Clear();
  if (last_at) message.set_last_at_ms(ms(*last_at));
  message.set_last_value(last_value);
  if (baseline) put(*baseline, *message.mutable_baseline());
  if (pending) put(*pending, *message.mutable_pending());
  message.set_doubts(doubts);
  if (abandoned) put(*abandoned, *message.mutable_abandoned());
  if (stands_since) message.set_stands_since_ms(ms(*stands_since));
  if (settled_until) message.set_settled_until_ms(ms(*settled_until));
  message.set_falls(falls);
  message.set_unbooked(unbooked.quanta());
  message.set_integration_remainder(integration_remainder);
  if (open) put(*open, *message.mutable_open());
  return messages_->serialize(message);
}

std::string_view RecordCodec::encode(const model::AccountState& state) {
  const auto& [amount, co2e, co2e_remainder, live_at, amount_per_hour, co2e_kg_per_hour, open] = state;
  proto::AccountState& message = messages_->account;
  message.Clear();
  message.set_amount(amount.quanta());
  message.set_co2e_mg(co2e.quanta());
  message.set_co2e_remainder(co2e_remainder);
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

model::RowBody RecordCodec::decode_row(const RecordColumns& columns) {
  switch (columns.kind) {
    case RowKind::reading:
      return model::JudgedReading{instant(columns.at_ms), columns.value, decode_quality(columns.quality)};
    case RowKind::running_total: {
      proto::RunningTotal& message = messages_->total;
      parse(message, columns.body);
      return model::RunningTotal{instant(columns.at_ms), Activity::of(message.amount()), Co2e::of(message.co2e_mg()),
                                 message.amount_per_hour(), message.co2e_kg_per_hour()};
    }
    case RowKind::interval:
      parse(messages_->interval, columns.body);
      return get_span<model::EnergyInterval>(columns, messages_->interval);
    case RowKind::entry: {
      parse(messages_->entry, columns.body);
      auto row = get_span<model::EmissionEntry>(columns, messages_->entry);
      row.co2e = Co2e::of(messages_->entry.co2e_mg());
      row.factor_id = messages_->entry.factor_id();
      row.factor_version = messages_->entry.factor_version();
      return row;
    }
    case RowKind::rollup: {
      parse(messages_->rollup, columns.body);
      auto row = get_span<model::RollupRow>(columns, messages_->rollup);
      row.co2e = Co2e::of(messages_->rollup.co2e_mg());
      row.period = decode_period(messages_->rollup.period());
      return row;
    }
  }
  throw DamagedRecord("unknown kind of row " + std::to_string(static_cast<int>(columns.kind)));
}

model::PointState RecordCodec::decode_point(std::string_view bytes) {
  proto::PointState& message = messages_->point;
  parse(message, bytes);
  model::PointState state;
  if (message.has_last_at_ms()) state.last_at = instant(message.last_at_ms());
  state.last_value = message.last_value();
  if (message.has_baseline()) state.baseline = get(message.baseline());
  if (message.has_pending()) state.pending = get(message.pending());
  state.doubts = static_cast<std::uint8_t>(message.doubts());
  if (message.has_abandoned()) state.abandoned = get(message.abandoned());
  if (message.has_stands_since_ms()) state.stands_since = instant(message.stands_since_ms());
  if (message.has_settled_until_ms()) state.settled_until = instant(message.settled_until_ms());
  state.falls = static_cast<std::uint8_t>(message.falls());
  state.unbooked = Activity::of(message.unbooked());
  state.integration_remainder = message.integration_remainder();
  if (message.has_open()) state.open = get(message.open());
  return state;
}

model::AccountState RecordCodec::decode_account(std::string_view bytes) {
  proto::AccountState& message = messages_->account;
  parse(message, bytes);
  model::AccountState state;
  state.amount = Activity::of(message.amount());
  state.co2e = Co2e::of(message.co2e_mg());
  state.co2e_remainder = message.co2e_remainder();
  if (message.has_live_at_ms()) state.live_at = instant(message.live_at_ms());
  state.amount_per_hour = message.amount_per_hour();
  state.co2e_kg_per_hour = message.co2e_kg_per_hour();
  for (const proto::OpenPeriod& part : message.open()) {
    state.open[static_cast<std::size_t>(decode_period(part.period()))] = get(part);
  }
  return state;
}

}  // namespace carbongate::store

#include "gateway/store/record.h"

#include <google/protobuf/stubs/logging.h>

#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "gateway/store/alert_record.h"
#include "gateway/store/database.h"
#include "gateway/store/record.pb.h"
#include "gateway/store/record_parts.h"
#include "gateway/store/report_record.h"
#include "gateway/store/state_record.h"

namespace carbongate::store {
namespace {

using store::get;  // those of record_parts.h beside the ones here
using store::put;

using model::Activity;
using model::Co2e;

constexpr std::int64_t kRuleShift = 4;
constexpr std::uint32_t kLineNamesPartOf = 3;  // the first format of a line that does
constexpr auto kPlainNan = std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN());

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
    entry.set_bridged_ms(row.bridged.count());
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
    const model::Co2eWithin& primary = row.emitted[model::Basis::primary];
    const model::Co2eWithin& market = row.emitted[model::Basis::market];
    total.Clear();
    total.set_amount(row.amount.quanta());
    total.set_co2e_mg(primary.co2e.quanta());
    total.set_u95_activity_mg(primary.u95_activity.quanta());
    total.set_u95_factor_mg(primary.u95_factor.quanta());
    total.set_co2e_market_mg(market.co2e.quanta());
    total.set_market_u95_activity_mg(market.u95_activity.quanta());
    total.set_market_u95_factor_mg(market.u95_factor.quanta());
    total.set_amount_per_hour(row.amount_per_hour);
    total.set_co2e_kg_per_hour(row.co2e_kg_per_hour);
    if (row.since) {
      const Duration span = row.at - *row.since;
      total.set_span_ms(span.count());
      total.set_uncovered_ms((span - row.covered).count());
    }
    return {RowKind::running_total, ms(row.at), 0, encode_quality(row.quality), serialize(total)};
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

std::string_view RecordCodec::encode(const model::PointState& state) {
  messages_->point.Clear();
  put(state, messages_->point);
  return messages_->serialize(messages_->point);
}

std::string_view RecordCodec::encode(const model::AccountState& state) {
  messages_->account.Clear();
  put(state, messages_->account);
  return messages_->serialize(messages_->account);
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
      model::RunningTotal row{.at = instant(columns.at_ms),
                              .amount = Activity::of(message.amount()),
                              .emitted = {},
                              .amount_per_hour = message.amount_per_hour(),
                              .co2e_kg_per_hour = message.co2e_kg_per_hour(),
                              .since = {},
                              .quality = decode_quality(columns.quality)};
      row.emitted[model::Basis::primary] = {Co2e::of(message.co2e_mg()), Co2e::of(message.u95_activity_mg()),
                                            Co2e::of(message.u95_factor_mg())};
      row.emitted[model::Basis::market] = {Co2e::of(message.co2e_market_mg()),
                                           Co2e::of(message.market_u95_activity_mg()),
                                           Co2e::of(message.market_u95_factor_mg())};
      if (message.has_span_ms()) {
        row.since = row.at - Duration(message.span_ms());
        row.covered = Duration(message.span_ms() - message.uncovered_ms());
      }
      return row;
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
      row.bridged = Duration(message.bridged_ms());
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

EntryFigures RecordCodec::decode_figures(const RecordColumns& columns) {
  const proto::Entry& message = messages_->entry;
  parse(messages_->entry, columns.body);
  EntryFigures figures{.begin = instant(columns.at_ms),
                       .amount = Activity::of(message.amount()),
                       .coal = model::StandardCoal::of(message.coal_mg()),
                       .co2e = {},
                       .covered = Duration(message.covered_ms()),
                       .revision = message.revision()};
  figures.co2e[model::Basis::primary] = Co2e::of(message.primary().emitted().co2e_mg());
  figures.co2e[model::Basis::market] = Co2e::of(message.market().emitted().co2e_mg());
  return figures;
}

model::PointState RecordCodec::decode_point(std::string_view bytes) {
  parse(messages_->point, bytes);
  return get(messages_->point);
}

model::AccountState RecordCodec::decode_account(std::string_view bytes) {
  parse(messages_->account, bytes);
  return get(messages_->account);
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

#include "gateway/store/report_record.h"

#include <algorithm>

#include "gateway/store/database.h"
#include "gateway/store/record.pb.h"

namespace carbongate::store {
namespace {

constexpr std::uint32_t kFactorsMax = 10'000;
constexpr std::int64_t kLongestMs = 32LL * 24 * 3'600'000;  // of a report

std::int64_t ms(Instant at) {
  return at.time_since_epoch().count();
}
Instant instant(std::int64_t ms) {
  return Instant(Duration(ms));
}

void put(const model::ReportFigures& figures, proto::ReportFigures& message) {
  if (figures.value) message.set_value(*figures.value);
  if (figures.min) message.set_min(*figures.min);
  if (figures.max) message.set_max(*figures.max);
}

model::ReportFigures get(const proto::ReportFigures& message) {
  model::ReportFigures figures;
  if (message.has_value()) figures.value = message.value();
  if (message.has_min()) figures.min = message.min();
  if (message.has_max()) figures.max = message.max();
  return figures;
}

void put(const model::ReportValue& value, proto::ReportValue& message) {
  const auto& [code, figures, reduced, amount, has_reduced, flag, valid, total, decimals, amount_decimals] = value;
  message.set_code(code);
  put(figures, *message.mutable_figures());
  put(reduced, *message.mutable_reduced());
  if (amount) message.set_amount(*amount);
  message.set_converted(has_reduced);
  message.set_flag(static_cast<unsigned char>(flag));
  message.set_valid(valid);
  message.set_total(total);
  message.set_decimals(decimals);
  message.set_amount_decimals(amount_decimals);
}

char get_flag(std::uint32_t letter) {
  if (letter < 0x21 || letter > 0x7E) throw DamagedRecord("a flag that is no letter");
  return static_cast<char>(letter);
}

model::ReportValue get(const proto::ReportValue& message) {
  model::ReportValue value;
  value.code = message.code();
  value.figures = get(message.figures());
  value.reduced = get(message.reduced());
  if (message.has_amount()) value.amount = message.amount();
  value.has_reduced = message.converted();
  value.flag = get_flag(message.flag());
  value.valid = message.valid();
  value.total = message.total();
  value.decimals = static_cast<std::uint8_t>(std::min(message.decimals(), 15U));
  value.amount_decimals = static_cast<std::uint8_t>(std::min(message.amount_decimals(), 15U));
  return value;
}

// Those there are, with their places.
template <class Messages>
void put(const std::vector<std::optional<model::StationReading>>& readings, Messages& messages) {
  for (std::size_t slot = 0; slot < readings.size(); ++slot) {
    if (!readings[slot]) continue;
    proto::StationReading& message = *messages.Add();
    message.set_slot(static_cast<std::uint32_t>(slot));
    message.set_at_ms(ms(readings[slot]->at));
    message.set_value(readings[slot]->value);
    message.set_flag(static_cast<unsigned char>(readings[slot]->flag));
  }
}

template <class Messages>
std::vector<std::optional<model::StationReading>> get(const Messages& messages, std::size_t slots) {
  std::vector<std::optional<model::StationReading>> readings(slots);
  for (const proto::StationReading& message : messages) {
    if (message.slot() >= slots) throw DamagedRecord("a station's value of a factor that it does not have");
    readings[message.slot()] =
        model::StationReading{instant(message.at_ms()), message.value(), get_flag(message.flag())};
  }
  return readings;
}

void put(const model::OpenReport& open, proto::OpenReport& message) {
  message.set_begin_ms(ms(open.begin));
  for (const model::ReportSum& each : open.sums) {
    const auto& [sum, min, max, reduced_sum, reduced_min, reduced_max, amount, valid, stopped, total, reduced,
                 amounts] = each;
    proto::ReportSum& to = *message.add_sums();
    to.set_sum(sum);
    to.set_min(min);
    to.set_max(max);
    to.set_reduced_sum(reduced_sum);
    to.set_reduced_min(reduced_min);
    to.set_reduced_max(reduced_max);
    to.set_amount(amount);
    to.set_valid(valid);
    to.set_stopped(stopped);
    to.set_total(total);
    to.set_reduced(reduced);
    to.set_amounts(amounts);
  }
}

model::OpenReport get(const proto::OpenReport& message) {
  model::OpenReport open{.begin = instant(message.begin_ms()), .sums = {}};
  for (const proto::ReportSum& each : message.sums()) {
    open.sums.push_back({each.sum(), each.min(), each.max(), each.reduced_sum(), each.reduced_min(), each.reduced_max(),
                         each.amount(), each.valid(), each.stopped(), each.total(), each.reduced(), each.amounts()});
  }
  return open;
}

}  // namespace

void put_report(const model::Report& report, proto::Report& message) {
  message.set_kind(static_cast<std::uint32_t>(report.kind));
  message.set_duration_ms((report.end - report.begin).count());
  message.set_revision(report.revision);
  for (const model::ReportValue& value : report.values) put(value, *message.add_values());
}

model::Report get_report(const proto::Report& message, Instant begin) {
  std::int64_t end_ms = 0;
  const bool has_end = message.duration_ms() >= 0 && message.duration_ms() <= kLongestMs &&
                       !__builtin_add_overflow(ms(begin), message.duration_ms(), &end_ms);
  if (message.kind() == 0 || message.kind() > model::kReportKindCount || !has_end) {
    throw DamagedRecord("a report of unknown kind or length");
  }
  model::Report report{.kind = static_cast<model::ReportKind>(message.kind()),
                       .begin = begin,
                       .end = instant(end_ms),
                       .values = {},
                       .revision = message.revision()};
  for (const proto::ReportValue& value : message.values()) report.values.push_back(get(value));
  return report;
}

void put_station(const model::StationState& state, proto::StationState& message) {
  const auto& [latest, instants, instants_through, minutes, minutes_until, hour, day, begun, late] = state;
  message.set_factors(static_cast<std::uint32_t>(latest.size() / 3));
  put(latest, *message.mutable_latest());
  for (const model::OpenInstant& open : instants) {
    proto::OpenInstant& to = *message.add_instants();
    to.set_at_ms(ms(open.at));
    put(open.values, *to.mutable_values());
  }
  if (instants_through) message.set_instants_through_ms(ms(*instants_through));
  for (const model::OpenReport& open : minutes) put(open, *message.add_minutes());
  if (minutes_until) message.set_minutes_until_ms(ms(*minutes_until));
  if (hour) put(*hour, *message.mutable_hour());
  if (day) put(*day, *message.mutable_day());
  if (begun) message.set_begun_ms(ms(*begun));
  if (late) {
    message.set_late_from_ms(ms(late->from));
    message.set_late_until_ms(ms(late->until));
    message.set_late_readings(late->readings);
  }
}

model::StationState get_station(const proto::StationState& message) {
  if (message.factors() > kFactorsMax) throw DamagedRecord("a station of too many factors");
  const std::size_t factors = message.factors();
  model::StationState state;
  state.latest = get(message.latest(), 3 * factors);
  for (const proto::OpenInstant& open : message.instants()) {
    state.instants.push_back({.at = instant(open.at_ms()), .values = get(open.values(), 2 * factors)});
  }
  if (message.has_instants_through_ms()) state.instants_through = instant(message.instants_through_ms());
  for (const proto::OpenReport& open : message.minutes()) state.minutes.push_back(get(open));
  if (message.has_minutes_until_ms()) state.minutes_until = instant(message.minutes_until_ms());
  if (message.has_hour()) state.hour = get(message.hour());
  if (message.has_day()) state.day = get(message.day());
  if (message.has_begun_ms()) state.begun = instant(message.begun_ms());
  if (message.has_late_from_ms()) {
    state.late = {.from = instant(message.late_from_ms()),
                  .until = instant(message.late_until_ms()),
                  .readings = message.late_readings()};
  }
  return state;
}

}  // namespace carbongate::store

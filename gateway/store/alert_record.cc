#include "gateway/store/alert_record.h"

#include <cmath>
#include <string>

#include "gateway/store/database.h"
#include "gateway/store/record.pb.h"

namespace carbongate::store {
namespace {

std::int64_t ms(Instant at) {
  return at.time_since_epoch().count();
}
Instant instant(std::int64_t ms) {
  return Instant(Duration(ms));
}

void put(const model::SummedTime& time, proto::SummedTime& message) {
  const auto& [begin, end, coverage] = time;
  message.set_begin_ms(ms(begin));
  message.set_length_ms((end - begin).count());
  if (coverage) message.set_coverage(static_cast<std::uint32_t>(*coverage));
}

model::SummedTime get(const proto::SummedTime& message) {
  const Instant begin = instant(message.begin_ms());
  model::SummedTime time{.begin = begin, .end = begin + Duration(message.length_ms())};
  if (message.has_coverage()) time.coverage = message.coverage();
  return time;
}

void put(const model::AlertPeriod& period, proto::AlertPeriod& message) {
  const auto& [begin, sum, per, closed, judged, since, published, withdrawn, sum_then, unwatched] = period;
  message.set_begin_ms(ms(begin));
  message.set_sum(sum);
  message.set_per(per);
  message.set_closed(closed);
  message.set_judged(judged);
  if (since) message.set_since_ms(ms(*since));
  message.set_published(published);
  message.set_withdrawn(withdrawn);
  if (sum_then) message.set_sum_then(*sum_then);
  if (unwatched) message.set_unwatched_ms(*unwatched);
}

model::AlertPeriod get(const proto::AlertPeriod& message) {
  model::AlertPeriod period;
  period.begin = instant(message.begin_ms());
  period.sum = message.sum();
  period.per = message.per();
  period.closed = message.closed();
  period.judged = message.judged();
  if (message.has_since_ms()) period.since = instant(message.since_ms());
  period.published = message.published();
  period.withdrawn = message.withdrawn();
  if (message.has_sum_then()) period.sum_then = message.sum_then();
  if (message.has_unwatched_ms()) period.unwatched = message.unwatched_ms();
  return period;
}

}  // namespace

model::Cause decode_cause(std::uint32_t number) {
  const auto cause = static_cast<model::Cause>(number);
  if (number > 0xff || model::to_string(cause) == "unknown") {
    throw DamagedRecord("unknown cause of a correction " + std::to_string(number));
  }
  return cause;
}

void put(const model::Alert& row, proto::Alert& message) {
  message.set_since_ms(ms(row.since));
  message.set_stage(static_cast<std::uint32_t>(row.stage));
  message.set_severity(static_cast<std::uint32_t>(row.severity));
  message.set_id(row.id);
  message.set_name(row.name);
  message.set_name_zh(row.name_zh);
  if (!std::isnan(row.value)) message.set_value(row.value);
  if (!std::isnan(row.limit)) message.set_limit(row.limit);
  message.set_unit(row.unit);
  message.set_revision(row.revision);
  if (row.cause) message.set_cause(static_cast<std::uint32_t>(*row.cause));
  message.set_by(row.by);
  message.set_note(row.note);
  message.set_suppressed(row.suppressed);
  if (row.of) put(*row.of, *message.mutable_of());
}

model::Alert get(const proto::Alert& message, Instant at) {
  if (message.stage() == 0 || message.stage() > model::kAlertStageCount ||
      message.severity() >= model::kSeverityCount) {
    throw DamagedRecord("an alert of unknown stage or severity");
  }
  model::Alert alert{.at = at,
                     .since = instant(message.since_ms()),
                     .stage = static_cast<model::AlertStage>(message.stage()),
                     .severity = static_cast<model::Severity>(message.severity()),
                     .id = message.id(),
                     .name = message.name(),
                     .name_zh = message.name_zh(),
                     .unit = message.unit(),
                     .revision = message.revision(),
                     .by = message.by(),
                     .note = message.note(),
                     .suppressed = message.suppressed()};
  if (message.has_value()) alert.value = message.value();
  if (message.has_limit()) alert.limit = message.limit();
  if (message.cause() != 0) alert.cause = decode_cause(message.cause());
  if (message.has_of()) alert.of = get(message.of());
  return alert;
}

void put(const model::AlertState& state, proto::AlertState& message) {
  const auto& [holds_since, seen_at, value, of, bridged, held_back, since, fired_at, acknowledged, published,
               suppressed, last_since, last_published, late_from, begun, periods] = state;
  if (holds_since) message.set_holds_since_ms(ms(*holds_since));
  if (since) message.set_since_ms(ms(*since));
  message.set_acknowledged(acknowledged);
  message.set_published(published);
  message.set_suppressed(suppressed);
  if (seen_at) message.set_seen_at_ms(ms(*seen_at));
  message.set_value(value);
  if (of) put(*of, *message.mutable_of());
  if (bridged) message.set_bridged_ms(bridged->count());
  message.set_held_back(held_back);
  if (fired_at) message.set_fired_at_ms(ms(*fired_at));
  if (last_since) message.set_last_since_ms(ms(*last_since));
  message.set_last_published(last_published);
  if (late_from) message.set_late_from_ms(ms(*late_from));
  if (begun) message.set_begun_ms(ms(*begun));
  for (const model::AlertPeriod& period : periods) put(period, *message.add_periods());
}

model::AlertState get(const proto::AlertState& message) {
  model::AlertState state;
  if (message.has_holds_since_ms()) state.holds_since = instant(message.holds_since_ms());
  if (message.has_since_ms()) state.since = instant(message.since_ms());
  state.acknowledged = message.acknowledged();
  state.published = message.published();
  state.suppressed = message.suppressed();
  if (message.has_seen_at_ms()) state.seen_at = instant(message.seen_at_ms());
  state.value = message.value();
  if (message.has_of()) state.of = get(message.of());
  if (message.has_bridged_ms()) state.bridged = Duration(message.bridged_ms());
  state.held_back = message.held_back();
  if (message.has_fired_at_ms()) state.fired_at = instant(message.fired_at_ms());
  if (message.has_last_since_ms()) state.last_since = instant(message.last_since_ms());
  state.last_published = message.last_published();
  if (message.has_late_from_ms()) state.late_from = instant(message.late_from_ms());
  if (message.has_begun_ms()) state.begun = instant(message.begun_ms());
  if (state.since && !state.fired_at) throw DamagedRecord("an alert that fires since never");
  for (const proto::AlertPeriod& period : message.periods()) state.periods.push_back(get(period));
  return state;
}

}  // namespace carbongate::store

#include "gateway/store/delivery_table.h"

#include <algorithm>
#include <string_view>

#include "protocols/wire/utf8.h"

namespace carbongate::store {
namespace {

// Looked at for each one recorded, so that what is old goes faster than new ones come.
constexpr std::int64_t kOldLinesPerAttempt = 4;
constexpr std::int64_t kOldLinesMin = 64;

std::int64_t ms_of(Instant at) {
  return at.time_since_epoch().count();
}

}  // namespace

DeliveryTable::DeliveryTable(Database& database, const StoreConfig& config)
    : keep_ms_(config.keep_deliveries.count()),
      put_(database,
           "INSERT INTO delivery(sink, seq, id, first_sent, sent, attempts, answered, outcome, answer) "
           "VALUES(?1, ?2, ?3, ?4, ?4, 1, ?5, ?6, ?7) ON CONFLICT(sink, seq) DO UPDATE SET "
           "attempts = attempts + (sent <> excluded.sent), id = iif(outcome = 1, id, excluded.id), "
           "sent = excluded.sent, "
           "answered = iif(outcome = 1, answered, excluded.answered), "
           "answer = iif(outcome = 1, answer, excluded.answer), outcome = iif(outcome = 1, 1, excluded.outcome)"),
      drop_old_(database,
                "DELETE FROM delivery WHERE sink = ?1 AND sent < ?2 AND seq IN "
                "(SELECT seq FROM delivery WHERE sink = ?1 ORDER BY seq LIMIT ?3)"),
      recorded_(
          database,
          "SELECT seq, first_sent, outcome FROM delivery WHERE sink = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq") {
  static_assert(static_cast<int>(ports::Attempt::Outcome::received) == 1, "see put_");
}

void DeliveryTable::record(const std::string& sink, const std::vector<ports::Attempt>& attempts) {
  if (attempts.empty()) return;
  for (const ports::Attempt& attempt : attempts) put(sink, attempt);
  const Instant newest = std::ranges::max(attempts, {}, &ports::Attempt::sent).sent;
  std::int64_t horizon_ms = 0;
  if (__builtin_sub_overflow(ms_of(newest), keep_ms_, &horizon_ms)) return;
  const auto looked_at = std::max(kOldLinesMin, kOldLinesPerAttempt * static_cast<std::int64_t>(attempts.size()));
  drop_old_.bind(1, std::string_view(sink)).bind(2, horizon_ms).bind(3, looked_at).run();
}

std::vector<ports::Recorded> DeliveryTable::recorded(const std::string& sink, std::uint64_t from, std::uint64_t to) {
  recorded_.bind(1, std::string_view(sink)).bind(2, static_cast<std::int64_t>(from));
  recorded_.bind(3, static_cast<std::int64_t>(to));
  std::vector<ports::Recorded> found;
  for (Rows rows(recorded_); rows.next();) {
    found.push_back({.sequence = static_cast<std::uint64_t>(recorded_.integer(0)),
                     .first_sent = Instant(Duration(recorded_.integer(1))),
                     .outcome = static_cast<ports::Attempt::Outcome>(recorded_.integer(2))});
  }
  return found;
}

void DeliveryTable::put(const std::string& sink, const ports::Attempt& attempt) {
  put_.bind(1, std::string_view(sink)).bind(2, static_cast<std::int64_t>(attempt.sequence));
  put_.bind(3, std::string_view(attempt.id)).bind(4, ms_of(attempt.sent));
  if (attempt.answered) {
    put_.bind(5, ms_of(*attempt.answered));
  } else {
    put_.bind_null(5);
  }
  put_.bind(6, static_cast<std::int64_t>(attempt.outcome))
      .bind(7, wire::first_bytes(attempt.answer, kAnswerBytesMax))
      .run();
}

}  // namespace carbongate::store

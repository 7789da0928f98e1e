#include "gateway/store/deliveries.h"

#include <chrono>
#include <utility>
#include <vector>

#include "gateway/store/database.h"
#include "gateway/store/migrations.h"
#include "gateway/store/row_finder.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {
namespace {

constexpr std::int64_t kLinesPerRead = 1'024;  // of one short transaction

constexpr const char* kRead =
    "SELECT sink, seq, id, first_sent, sent, attempts, answered, outcome, answer FROM delivery "
    "WHERE (sink, seq) > (?1, ?2) AND (?3 = '' OR sink = ?3) AND (?4 = 0 OR outcome IN (0, 2)) AND sent >= ?5 AND sent "
    "< ?6 "
    "ORDER BY sink, seq LIMIT ?7";

class Reader {
 public:
  Reader(Database& database, const DeliveryQuery& query)
      : database_(database), query_(query), finder_(database), read_(database, kRead) {}

  // What follows the last one read; empty: nothing does.
  std::vector<DeliveryLine> next() {
    std::vector<DeliveryLine> lines;
    Transaction transaction(database_, Transaction::Kind::read);
    read_.bind(1, std::string_view(last_sink_)).bind(2, last_).bind(3, std::string_view(query_.sink));
    read_.bind(4, std::int64_t{query_.only_open});
    read_.bind(5, query_.from ? query_.from->time_since_epoch().count() : INT64_MIN);
    read_.bind(6, query_.to ? query_.to->time_since_epoch().count() : INT64_MAX).bind(7, kLinesPerRead);
    for (Rows rows(read_); rows.next();) lines.push_back(line());
    transaction.commit();
    if (lines.empty()) return lines;
    last_sink_ = lines.back().sink;
    last_ = static_cast<std::int64_t>(lines.back().last.sequence);
    return lines;
  }

 private:
  DeliveryLine line() {
    DeliveryLine line{.sink = std::string(read_.text(0)),
                      .id = std::string(read_.text(2)),
                      .first_sent = Instant(Duration(read_.integer(3))),
                      .attempts = static_cast<std::uint32_t>(read_.integer(5)),
                      .last = {.sequence = static_cast<std::uint64_t>(read_.integer(1)),
                               .id = std::string(read_.text(2)),
                               .sent = Instant(Duration(read_.integer(4))),
                               .outcome = static_cast<ports::Attempt::Outcome>(read_.integer(7)),
                               .answer = std::string(read_.text(8))},
                      .row = finder_.find(read_.integer(1))};
    if (!read_.is_null(6)) line.last.answered = Instant(Duration(read_.integer(6)));
    return line;
  }

  Database& database_;
  const DeliveryQuery& query_;
  RowFinder finder_;
  Statement read_;
  std::string last_sink_;
  std::int64_t last_ = 0;
};

}  // namespace

std::string_view word_of(ports::Attempt::Outcome outcome) {
  using Outcome = ports::Attempt::Outcome;
  switch (outcome) {
    case Outcome::open: return "open";
    case Outcome::received: return "received";
    case Outcome::refused: return "refused";
    case Outcome::sent: return "sent";
  }
  return "?";
}

std::optional<double> seconds_of(const DeliveryLine& line) {
  if (line.last.outcome != ports::Attempt::Outcome::received || !line.last.answered) return std::nullopt;
  return std::chrono::duration<double>(*line.last.answered - line.first_sent).count();
}

model::Result<void> each_delivery(const std::filesystem::path& directory, const DeliveryQuery& query,
                                  const std::function<bool(const DeliveryLine&)>& visit) {
  return guarded(directory, [&] {
    const auto database = open_for_reading(directory / kDatabaseFile);
    Reader reader(*database, query);
    while (true) {
      const std::vector<DeliveryLine> lines = reader.next();
      if (lines.empty()) return;
      for (const DeliveryLine& line : lines) {
        if (!visit(line)) return;
      }
    }
  });
}

}  // namespace carbongate::store

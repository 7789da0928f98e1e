#include "gateway/sinks/postgresql/postgresql_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "gateway/sinks/postgresql/batch.h"
#include "gateway/sinks/postgresql/migrations.h"
#include "gateway/sinks/postgresql/tables.h"
#include "gateway/sinks/shared/row_kind.h"

namespace carbongate::sinks::postgresql {

namespace asio = boost::asio;
namespace errc = boost::system::errc;

namespace {

// A change of a large table rewrites it: hours, not `timeout`, within which it would begin again for ever.
constexpr std::chrono::hours kMigrationLimit{24};
constexpr std::string_view kNoStatementLimit = "SET LOCAL statement_timeout = 0; ";

// What the session must be like whatever the server's settings are. A transaction that nobody waits for any more ends
// by itself; one that was acknowledged is on the server's disk.
std::string settings_sql(std::chrono::milliseconds timeout) {
  return fmt::format(
      "SET client_min_messages = warning; SET TIME ZONE 'UTC'; SET default_transaction_isolation = 'read committed'; "
      "SET statement_timeout = {0}; SET lock_timeout = {0}; SET idle_in_transaction_session_timeout = {0}; "
      "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
      timeout.count());
}

// What people can do about it; and another code, so that a change of the trouble is logged.
struct Meaning {
  std::string_view sqlstate;  // or how it begins
  errc::errc_t code;
  std::string_view advice;
};
constexpr auto kMeanings = std::to_array<Meaning>({
    {"42501", errc::permission_denied,
     "; the role must own the schema, or be allowed to create it (GRANT CREATE ON DATABASE)"},
    {"25006", errc::read_only_file_system, "; the server is a standby, or its database is set to read-only"},
    {"28", errc::permission_denied, "; check user and password, and the server's pg_hba.conf"},
    {"3D000", errc::no_such_file_or_directory, "; create the database"},
    {"53", errc::no_space_on_device, "; the server is out of disk, memory or connections"},
    {"57014", errc::timed_out, ""},
    {"55P03", errc::timed_out, "; somebody holds a lock"},
    {"40", errc::resource_unavailable_try_again, ""},
    {"08", errc::connection_aborted, ""},
    {"57", errc::connection_aborted, ""},
});

// Rows of one kind stand together: what a server refuses is mostly of one table, so few requests find it.
void choose(std::span<const model::StoredRow> rows, shared::RowKind kind, std::vector<const model::StoredRow*>& sent,
            shared::Offer& offer) {
  std::string reason;
  for (const model::StoredRow& row : rows) {
    if (shared::kind_of(row.body) != kind) continue;
    switch (fate_of(row, reason)) {
      case Fate::sent:
        sent.push_back(&row);
        offer.add(row.sequence);
        break;
      case Fate::refused: offer.refuse(row.sequence, reason); break;
      case Fate::nothing: offer.leave_out(row.sequence); break;
    }
  }
}

}  // namespace

bool refuses_rows(std::string_view sqlstate) {
  // 22 data exception; 23 integrity constraint; 44000 WITH CHECK OPTION; 54000 too long for an index; P0001 a trigger's
  // RAISE.
  return sqlstate.starts_with("22") || sqlstate.starts_with("23") || sqlstate == "44000" || sqlstate == "54000" ||
         sqlstate == "P0001";
}

PostgresqlSink::PostgresqlSink(Config config, asio::any_io_executor executor, io::Clock& clock)
    : config_(std::move(config)), session_(std::move(executor), clock), health_(config_.name, clock) {}

asio::awaitable<model::Result<ports::Delivery>> PostgresqlSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  shared::Offer offer(rows);
  std::vector<const model::StoredRow*> sent;
  for (std::size_t kind = 0; kind < shared::kRowKindCount; ++kind) {
    choose(rows, static_cast<shared::RowKind>(kind), sent, offer);
  }
  offer.begin();
  const std::optional<model::Fault> fault = co_await send_all(sent, offer);
  co_return offer.finish(fault, health_.status());
}

// Sends until all is settled (nullopt) or a fault ends it.
asio::awaitable<std::optional<model::Fault>> PostgresqlSink::send_all(std::span<const model::StoredRow* const> rows,
                                                                      shared::Offer& offer) {
  while (const auto range = offer.next()) {
    if (auto failure = co_await open()) co_return fault_of(*failure);
    const Batch batch = make_batch(rows.subspan(range->begin, range->size()), config_.schema);
    health_.request();
    const auto answer = co_await session_.run(batch.sql, batch.copies, config_.timeout);
    if (answer) {
      health_.success();
      offer.accepted();
    } else if (refuses_rows(answer.error().sqlstate)) {
      health_.success();
      offer.refused(answer.error().words);
    } else {
      co_return fault_of(answer.error());
    }
  }
  co_return std::nullopt;
}

asio::awaitable<PostgresqlSink::Failure> PostgresqlSink::open() {
  if (is_prepared_ && session_.is_open()) co_return std::nullopt;
  is_prepared_ = false;
  Parameters parameters = config_.parameters;
  if (!config_.password.empty()) parameters.emplace_back("password", config_.password.reveal());
  const auto connected = co_await session_.connect(std::move(parameters), config_.timeout);
  if (!connected) co_return connected.error();
  const auto set = co_await run(settings_sql(config_.timeout));
  if (!set) co_return set.error();
  if (auto failure = co_await migrate()) co_return failure;
  const auto staged = co_await run(staging_sql());
  if (!staged) co_return staged.error();
  is_prepared_ = true;
  co_return std::nullopt;
}

asio::awaitable<PostgresqlSink::Failure> PostgresqlSink::migrate() {
  auto version = co_await schema_version();
  if (!version) co_return version.error();
  if (*version < kSchemaVersion) {
    // The wait for the lock is limited as ever, by lock_timeout.
    const auto locked = co_await run(
        fmt::format("BEGIN; {}{}; {}", kNoStatementLimit, create_schema_sql(config_.schema), lock_sql(config_.schema)));
    if (!locked) co_return locked.error();
    version = co_await schema_version();  // another gateway may have been faster
    if (!version) co_return version.error();
    std::string sql;
    for (int next = *version + 1; next <= kSchemaVersion; ++next) sql += migration_sql(next, config_.schema) + "; ";
    health_.status().detail = fmt::format("{}: the schema {} is brought from version {} to {}, which takes its time",
                                          config_.where, config_.schema, *version, kSchemaVersion);
    const auto migrated = co_await session_.run(sql + "COMMIT", {}, kMigrationLimit);
    if (!migrated) co_return migrated.error();
  }
  if (*version > kSchemaVersion) {
    co_return SqlError{"",
                       fmt::format("the schema {} is of version {}, made by a newer CarbonGate, and this one knows "
                                   "version {} only: update the gateway, or give it a `schema` of its own",
                                   config_.schema, *version, kSchemaVersion),
                       make_error_code(errc::not_supported)};
  }
  const std::string partition = fmt::format("BEGIN; {}{}; COMMIT", kNoStatementLimit, hypertables_sql(config_.schema));
  const auto partitioned = co_await session_.run(partition, {}, kMigrationLimit);
  if (!partitioned) co_return partitioned.error();
  co_return std::nullopt;
}

// 0: there is none yet.
asio::awaitable<SqlResult<int>> PostgresqlSink::schema_version() {
  const auto has_value = [](const SqlRows& rows) { return !rows.empty() && !rows.front().empty(); };
  const SqlError no_row{"", "the server, or a pooler before it, answers a query without the row that was asked for",
                        make_error_code(errc::protocol_error)};
  const auto exists = co_await run(has_version_sql(config_.schema));
  if (!exists) co_return exists.error();
  if (!has_value(*exists)) co_return no_row;
  if (exists->at(0).at(0) != "t") co_return 0;
  const auto found = co_await run(version_sql(config_.schema));
  if (!found) co_return found.error();
  if (!has_value(*found)) co_return no_row;
  const std::string text = found->at(0).at(0).value_or("0");
  int version = 0;
  std::from_chars(text.data(), text.data() + text.size(), version);
  co_return version;
}

asio::awaitable<SqlResult<SqlRows>> PostgresqlSink::run(std::string sql) {
  co_return co_await session_.run(std::move(sql), {}, config_.timeout);
}

model::Fault PostgresqlSink::fault_of(const SqlError& error) {
  session_.close();
  const auto meaning =
      std::ranges::find_if(kMeanings, [&](const Meaning& known) { return error.sqlstate.starts_with(known.sqlstate); });
  const bool known = meaning != kMeanings.end();
  const model::Fault fault{
      known ? make_error_code(meaning->code) : error.code,
      fmt::format("{}: {}{}", config_.where, error.words, known ? meaning->advice : std::string_view())};
  health_.fault(fault);
  return fault;
}

}  // namespace carbongate::sinks::postgresql

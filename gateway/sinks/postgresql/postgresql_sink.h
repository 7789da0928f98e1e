// Rows of the journal to a PostgreSQL database, with or without TimescaleDB. What arrives there is described in
// tables.h and migrations.cc.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/sinks/postgresql/config.h"
#include "gateway/sinks/postgresql/session.h"
#include "gateway/sinks/shared/health.h"
#include "gateway/sinks/shared/offer.h"
#include "protocols/io/clock.h"

namespace carbongate::sinks::postgresql {

// Whether the server's code (SQLSTATE) is about what a row holds: sent again, it would be refused again. Anything else
// is a fault: nothing is given up because a server, a right or a table is missing.
bool refuses_rows(std::string_view sqlstate);

// Sends all rows of a delivery in one transaction. If the server refuses what a row holds, it is searched for by
// halves, each of which is a transaction of its own, and rejected with the server's words. Not thread-safe: on the
// executor given; `clock` outlives it. After any fault the connection is closed, and a new one made for the next
// attempt: that may be to another server, and finds a schema that was changed meanwhile.
class PostgresqlSink final : public ports::Sink {
 public:
  PostgresqlSink(Config config, boost::asio::any_io_executor executor, io::Clock& clock);

  const std::string& name() const override { return config_.name; }
  std::size_t batch_rows() const override { return config_.batch_rows; }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  ports::SinkStatus status() const override { return health_.status(); }

 private:
  using Failure = std::optional<SqlError>;

  boost::asio::awaitable<std::optional<model::Fault>> send_all(std::span<const model::StoredRow* const> rows,
                                                               shared::Offer& offer);
  boost::asio::awaitable<Failure> open();     // unless it is; with schema and temporary tables
  boost::asio::awaitable<Failure> migrate();  // up to kSchemaVersion, however long it takes
  boost::asio::awaitable<SqlResult<int>> schema_version();
  boost::asio::awaitable<SqlResult<SqlRows>> run(std::string sql);
  model::Fault fault_of(const SqlError& error);

  Config config_;
  Session session_;
  bool is_prepared_ = false;  // if it is open
  shared::Health health_;
};

}  // namespace carbongate::sinks::postgresql

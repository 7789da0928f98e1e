#include "gateway/sinks/postgresql/session.h"

#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>

#include "gateway/sinks/postgresql/deadline.h"
#include "protocols/io/address_order.h"
#include "protocols/io/resolve.h"
#include "protocols/wire/one_line.h"

namespace carbongate::sinks::postgresql {

namespace asio = boost::asio;
namespace errc = boost::system::errc;

namespace {

constexpr std::size_t kChunkBytes = 64 * 1024;  // of COPY data handed to libpq, which keeps what it cannot send yet

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ConnectionPtr = std::unique_ptr<PGconn, Finish>;
using ResultPtr = std::unique_ptr<PGresult, Clear>;

std::string_view field_of(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// "numeric field overflow (22003): A field with precision 9, scale 6 must ...; COPY stage_entries, line 3"
SqlError error_of(const PGresult* result) {
  SqlError error{std::string(field_of(result, PG_DIAG_SQLSTATE)),
                 std::string(field_of(result, PG_DIAG_MESSAGE_PRIMARY)), make_error_code(errc::protocol_error)};
  if (error.words.empty()) error.words = PQresultErrorMessage(result);
  if (!error.sqlstate.empty()) error.words += " (" + error.sqlstate + ")";
  if (const auto detail = field_of(result, PG_DIAG_MESSAGE_DETAIL); !detail.empty())
    error.words.append(": ").append(detail);
  if (const auto context = field_of(result, PG_DIAG_CONTEXT); context.starts_with("COPY")) {
    error.words.append("; ").append(context);
  }
  error.words = wire::one_line(std::move(error.words));
  return error;
}

SqlRows rows_of(const PGresult* result) {
  SqlRows rows(static_cast<std::size_t>(PQntuples(result)));
  for (int row = 0; row < PQntuples(result); ++row) {
    for (int column = 0; column < PQnfields(result); ++column) {
      std::optional<std::string> value;
      if (PQgetisnull(result, row, column) == 0) value = PQgetvalue(result, row, column);
      rows[static_cast<std::size_t>(row)].push_back(std::move(value));
    }
  }
  return rows;
}

}  // namespace

class Session::Impl {
 public:
  Impl(asio::any_io_executor executor, io::Clock& clock)
      : executor_(std::move(executor)), clock_(clock), resolver_(executor_) {}

  asio::awaitable<SqlResult<void>> connect(Parameters parameters, std::chrono::milliseconds timeout) {
    close();
    Guard guard{*this};
    Deadline deadline(executor_, clock_, timeout, [this] { interrupt(); });
    if (auto error = co_await locate(parameters, deadline, timeout)) co_return std::move(*error);

    std::vector<const char*> keys;
    std::vector<const char*> values;
    for (const auto& [key, value] : parameters) {
      keys.push_back(key.c_str());
      values.push_back(value.c_str());
    }
    keys.push_back(nullptr);
    values.push_back(nullptr);
    connection_.reset(PQconnectStartParams(keys.data(), values.data(), 0));
    if (connection_ == nullptr) throw std::bad_alloc();
    PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);

    auto want = PQstatus(connection_.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (want != PGRES_POLLING_OK) {
      if (want == PGRES_POLLING_FAILED) {  // not by all: an answer that is none of PostgreSQL ends libpq's search
        order_.failed();
        co_return refused();
      }
      if (!attach()) co_return broken("");  // libpq goes on to another socket now and then
      co_await ready(want == PGRES_POLLING_READING ? Until::readable : Until::writable);
      if (deadline.expired()) {
        order_.failed();
        co_return late("no connection", timeout);
      }
      want = PQconnectPoll(connection_.get());
    }
    if (!attach() || PQsetnonblocking(connection_.get(), 1) != 0) co_return broken("");
    guard.keep = true;
    co_return SqlResult<void>();
  }

  asio::awaitable<SqlResult<SqlRows>> run(std::string sql, std::span<const std::string> copies,
                                          std::chrono::milliseconds timeout) {
    if (!is_open()) co_return SqlError{"", "not connected", make_error_code(errc::not_connected)};
    Guard guard{*this};
    auto outcome = co_await exchange(std::move(sql), copies, timeout);
    if (!outcome && is_open() && PQstatus(connection_.get()) == CONNECTION_OK && !unclear_) {
      if (PQtransactionStatus(connection_.get()) == PQTRANS_INERROR) {
        guard.keep = (co_await exchange("ROLLBACK", {}, timeout)).has_value();
      } else {
        guard.keep = true;
      }
    }
    if (outcome) guard.keep = true;
    co_return outcome;
  }

  bool is_open() const { return connection_ != nullptr; }

  void close() {
    socket_.reset();
    connection_.reset();
    unclear_ = false;
  }

 private:
  enum class Until { readable, writable, either };

  // Leaves no half-used connection behind, however a coroutine ends.
  struct Guard {
    Impl& impl;
    bool keep = false;
    ~Guard() {
      if (!keep) impl.close();
    }
  };

  asio::awaitable<SqlResult<SqlRows>> exchange(std::string sql, std::span<const std::string> copies,
                                               std::chrono::milliseconds timeout) {
    Deadline deadline(executor_, clock_, timeout, [this] { interrupt(); });
    unclear_ = true;
    if (PQsendQuery(connection_.get(), sql.c_str()) == 0) co_return broken("");
    if (!co_await flush(deadline)) co_return failed(deadline, timeout);
    std::optional<SqlError> error;
    SqlRows rows;
    while (true) {
      while (PQisBusy(connection_.get()) != 0) {
        co_await ready(Until::readable);
        if (deadline.expired()) co_return late("no answer", timeout);
        if (PQconsumeInput(connection_.get()) != 0) continue;
        if (error) co_return std::move(*error);  // the server's last words say more than the broken connection
        co_return broken("");
      }
      const ResultPtr result(PQgetResult(connection_.get()));
      if (result == nullptr) break;
      switch (PQresultStatus(result.get())) {
        case PGRES_COMMAND_OK:
        case PGRES_EMPTY_QUERY: break;
        case PGRES_TUPLES_OK: rows = rows_of(result.get()); break;
        case PGRES_COPY_IN:
          if (copies.empty()) co_return broken("the server waits for data that nobody has");
          if (!co_await copy(copies.front(), deadline)) co_return failed(deadline, timeout);
          copies = copies.subspan(1);
          break;
        case PGRES_COPY_OUT:
        case PGRES_COPY_BOTH: co_return broken("the server sends data that nobody asked for");
        default:
          if (!error) error = error_of(result.get());
      }
    }
    if (!error && !copies.empty()) co_return broken("the server did not ask for the data that it was to take");
    unclear_ = false;
    if (error) co_return std::move(*error);
    co_return rows;
  }

  // False: the connection broke, or the time is over.
  asio::awaitable<bool> copy(std::string_view data, const Deadline& deadline) {
    while (!data.empty()) {
      const std::size_t size = std::min(data.size(), kChunkBytes);
      const int taken = PQputCopyData(connection_.get(), data.data(), static_cast<int>(size));
      if (taken < 0) co_return false;
      if (taken > 0) data.remove_prefix(size);
      if (!co_await flush(deadline)) co_return false;
    }
    while (true) {
      const int ended = PQputCopyEnd(connection_.get(), nullptr);
      if (ended < 0 || !co_await flush(deadline)) co_return false;
      if (ended > 0) co_return true;
    }
  }

  // While the server does not read it may want to be read from.
  asio::awaitable<bool> flush(const Deadline& deadline) {
    while (true) {
      const int left = PQflush(connection_.get());
      if (left <= 0) co_return left == 0;
      co_await ready(Until::either);
      if (deadline.expired() || PQconsumeInput(connection_.get()) == 0) co_return false;
    }
  }

  // Errors of the wait itself are met again by libpq. Cancelled by interrupt().
  asio::awaitable<void> ready(Until what) {
    using asio::posix::stream_descriptor;
    using namespace asio::experimental::awaitable_operators;
    constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
    switch (what) {
      case Until::readable: co_await socket_->async_wait(stream_descriptor::wait_read, kToken); break;
      case Until::writable: co_await socket_->async_wait(stream_descriptor::wait_write, kToken); break;
      case Until::either:
        co_await (socket_->async_wait(stream_descriptor::wait_read, kToken) ||
                  socket_->async_wait(stream_descriptor::wait_write, kToken));
        break;
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      throw boost::system::system_error(asio::error::operation_aborted);
    }
  }

  void interrupt() {
    resolver_.cancel();
    if (socket_) socket_->cancel();
  }

  // Watches a descriptor of our own for libpq's socket: it closes its own when it likes.
  bool attach() {
    socket_.reset();
    const int own = ::dup(PQsocket(connection_.get()));
    if (own < 0) return false;
    socket_.emplace(executor_, own);
    return true;
  }

  // Puts addresses beside the names of hosts. An error: none of them could be found.
  asio::awaitable<std::optional<SqlError>> locate(Parameters& parameters, const Deadline& deadline,
                                                  std::chrono::milliseconds timeout) {
    std::vector<Host> found;
    std::string trouble;
    for (Host& host : hosts_of(parameters)) {
      if (host.is_local() || !host.address.empty()) {
        found.push_back(std::move(host));
        continue;
      }
      boost::system::error_code ec;
      const auto port = static_cast<std::uint16_t>(std::stoul(host.port));
      const auto endpoints = co_await resolver_.resolve(host.name, port, io::Resolver::kNoDeadline, ec);
      if (deadline.expired()) co_return late("cannot find " + host.name, timeout);
      if (ec) trouble = "cannot find " + host.name + ": " + ec.message();
      for (const auto& endpoint : endpoints) {
        host.address = endpoint.address().to_string();
        found.push_back(host);
      }
    }
    if (found.empty()) co_return SqlError{"", trouble, make_error_code(errc::host_unreachable)};
    order_.arrange(found);
    set_hosts(parameters, found);
    co_return std::nullopt;
  }

  SqlError refused() const {
    SqlError error = broken(PQerrorMessage(connection_.get()));
    const bool by_password =
        PQconnectionNeedsPassword(connection_.get()) != 0 || PQconnectionUsedPassword(connection_.get()) != 0;
    error.code = make_error_code(by_password ? errc::permission_denied : errc::connection_refused);
    return error;
  }

  SqlError broken(std::string words) const {
    if (words.empty() && connection_ != nullptr) words = PQerrorMessage(connection_.get());
    if (words.empty()) words = std::string("the connection cannot be used: ") + std::strerror(errno);
    return {"", wire::one_line(std::move(words)), make_error_code(errc::connection_aborted)};
  }

  SqlError failed(const Deadline& deadline, std::chrono::milliseconds timeout) const {
    return deadline.expired() ? late("no answer", timeout) : broken("");
  }

  static SqlError late(const std::string& what, std::chrono::milliseconds timeout) {
    return {"", what + " within " + std::to_string(timeout.count()) + " ms", make_error_code(errc::timed_out)};
  }

  asio::any_io_executor executor_;
  io::Clock& clock_;
  io::Resolver resolver_;
  io::AddressOrder<Host> order_;
  ConnectionPtr connection_;
  std::optional<asio::posix::stream_descriptor> socket_;  // closed before the connection is
  bool unclear_ = false;                                  // statements are under way, or were left half-way
};

Session::Session(asio::any_io_executor executor, io::Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(executor), clock)) {}

Session::~Session() = default;

asio::awaitable<SqlResult<void>> Session::connect(Parameters parameters, std::chrono::milliseconds timeout) {
  return impl_->connect(std::move(parameters), timeout);
}

asio::awaitable<SqlResult<SqlRows>> Session::run(std::string sql, std::span<const std::string> copies,
                                                 std::chrono::milliseconds timeout) {
  return impl_->run(std::move(sql), copies, timeout);
}

bool Session::is_open() const {
  return impl_->is_open();
}

void Session::close() {
  impl_->close();
}

}  // namespace carbongate::sinks::postgresql

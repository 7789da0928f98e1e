// One connection to a PostgreSQL server, driven by the loop: libpq in its asynchronous mode.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gateway/sinks/postgresql/hosts.h"
#include "protocols/io/clock.h"

namespace carbongate::sinks::postgresql {

// What went wrong. `sqlstate` is the server's code ("22003"), empty if the server said nothing: not reached, connection
// lost, no answer in time. `words` are on one line.
struct SqlError {
  std::string sqlstate;
  std::string words;
  boost::system::error_code code;
};
[[noreturn]] inline void throw_exception_from_error(const SqlError& error, const boost::source_location&) {
  throw std::runtime_error(error.words);
}
template <class T>
using SqlResult = boost::system::result<T, SqlError>;

// The rows of a query as text; nullopt is NULL.
using SqlRows = std::vector<std::vector<std::optional<std::string>>>;

// Not thread-safe; one call at a time, on the executor given. Nothing blocks: host names are looked up by io::Resolver,
// since libpq would wait for them. Cancelling a call closes the connection; so does a timeout, and everything that
// leaves unclear what the server did. The server may then still finish what it was told.
class Session {
 public:
  Session(boost::asio::any_io_executor executor, io::Clock& clock);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Closes what is open and connects to the first of the hosts that takes us. `timeout`: for all of it; if it is over,
  // the next call begins with another host (protocols/io/address_order.h).
  boost::asio::awaitable<SqlResult<void>> connect(Parameters parameters, std::chrono::milliseconds timeout);

  // Runs statements, separated by semicolons; the n-th COPY FROM STDIN among them gets copies[n]. The value: rows of
  // the last one that had any. After an error inside BEGIN ... COMMIT the transaction is rolled back and the connection
  // ready for the next. `copies` lives through the call; `timeout` is for each of statements and rollback.
  boost::asio::awaitable<SqlResult<SqlRows>> run(std::string sql, std::span<const std::string> copies,
                                                 std::chrono::milliseconds timeout);

  bool is_open() const;
  void close();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace carbongate::sinks::postgresql

// Where a host is: its addresses, without ever being held up by the system's resolver.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace carbongate::io {

// getaddrinfo() cannot be interrupted, and one thread makes all lookups of an io_context, one after the other. So a
// numeric address is not looked up at all, and a caller that gives up leaves its lookup behind: one that has begun goes
// on unheard, one that stands in line is not made.
//
// Not thread-safe; one resolve() at a time, on the executor given.
class Resolver {
 public:
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  static constexpr auto kNoDeadline = boost::asio::steady_timer::time_point::max();

  explicit Resolver(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  // `host` is a name or an address, IPv6 without brackets. At the deadline `error` is timed_out, after cancel()
  // operation_aborted. Cancelling the awaiting coroutine ends it at once, by exception.
  boost::asio::awaitable<Endpoints> resolve(std::string host, std::uint16_t port,
                                            boost::asio::steady_timer::time_point deadline,
                                            boost::system::error_code& error);

  // Ends the resolve() under way, if any.
  void cancel();

 private:
  struct Lookup;

  boost::asio::any_io_executor executor_;
  std::weak_ptr<Lookup> lookup_;  // under way
};

}  // namespace carbongate::io

#include "protocols/syslog/connection.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "protocols/io/resolve.h"
#include "protocols/io/tls.h"

namespace carbongate::syslog {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr const char* kBroken = "the connection has broken before its end";
constexpr std::chrono::milliseconds kLookAgain{10};

auto into(error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

class Stream {
 public:
  Stream(asio::any_io_executor executor, io::Clock& clock, const Server& server)
      : clock_(clock), server_(server), resolver_(executor), socket_(executor) {
    const bool is_v6 = server.host.find(':') != std::string::npos;
    where_ = fmt::format("{}{}{}:{}", is_v6 ? "[" : "", server.host, is_v6 ? "]" : "", server.port);
  }

  // The result is in `sent_`; it says how far this came when it is cancelled.
  asio::awaitable<void> run(const std::string& frames) {
    if (!co_await connect()) co_return;
    error_code error;
    if (tls_) {
      co_await asio::async_write(*tls_, asio::buffer(frames), into(error));
    } else {
      co_await asio::async_write(socket_, asio::buffer(frames), into(error));
    }
    if (error) co_return fail("the connection has ended", error);
    is_written_ = true;
    co_await end();
  }

  // Nothing more is coming from run().
  Sent result() && {
    if (!sent_.is_taken && is_written_ && sent_.trouble.empty()) sent_.is_taken = is_acknowledged();
    if (!sent_.is_taken && sent_.trouble.empty()) {
      sent_.trouble = fmt::format("{}: not done within {} ms", where_, server_.timeout.count());
    }
    return std::move(sent_);
  }

 private:
  void fail(const char* what, const error_code& error) {
    if (error == asio::error::operation_aborted) return;  // it took too long
    sent_.trouble = fmt::format("{}: {}: {}", where_, what, error.message());
  }

  // Whether the server's machine has every byte.
  bool is_acknowledged() {
    int left = 1;
    return ::ioctl(socket_.native_handle(), SIOCOUTQ, &left) == 0 && left == 0;
  }

  asio::awaitable<bool> connect() {
    error_code error;
    const auto endpoints = co_await resolver_.resolve(server_.host, server_.port, io::Resolver::kNoDeadline, error);
    if (!error) co_await asio::async_connect(socket_, endpoints, into(error));
    if (error) {
      fail("cannot connect", error);
      co_return false;
    }
    if (!server_.tls) co_return true;
    context_.emplace(io::make_tls_client_context(server_.ca_file));
    if (context_->error) {
      sent_.trouble = context_->text;
      co_return false;
    }
    tls_.emplace(socket_, context_->context);
    io::expect_server(tls_->native_handle(), server_.host);
    co_await tls_->async_handshake(asio::ssl::stream_base::client, into(error));
    if (error) {
      sent_.trouble = fmt::format("{}: no TLS: {}", where_, io::describe_handshake_error(tls_->native_handle(), error));
    }
    co_return !error;
  }

  // Our end of the stream, and the server's, which is a receipt only as an answer to ours. Over TLS our end is the
  // close_notify; the TCP stream's stays open behind it until the answer, so that each byte must be acknowledged then.
  asio::awaitable<void> end() {
    if (co_await has_ended_first()) co_return fail_early();
    error_code error;
    if (tls_) {
      co_await tls_->async_shutdown(into(error));
      const bool is_alert = error.category() == asio::error::get_ssl_category();
      if (is_alert) co_return fail("the server has refused what was sent", error);
      if (error && error != asio::ssl::error::stream_truncated) co_return fail(kBroken, error);
      if (!is_acknowledged()) co_return fail_early();
    }
    socket_.shutdown(tcp::socket::shutdown_send, error);
    std::array<char, 256> ignored;
    while (!error) co_await socket_.async_read_some(asio::buffer(ignored), into(error));
    if (error != asio::error::eof) co_return fail(kBroken, error);
    if (!tls_ && !is_acknowledged()) co_return fail_early();
    error = error_behind_end();
    if (error) co_return fail(kBroken, error);
    sent_.is_taken = true;
    sent_.is_confirmed = true;
  }

  void fail_early() {
    const error_code error = error_behind_end();
    if (error) return fail(kBroken, error);
    sent_.trouble = where_ + ": the server has ended the connection before it read everything";
  }

  asio::awaitable<bool> has_ended_first() {
    const io::SteadyTime until = clock_.ticks() + std::min(server_.stays_open, server_.timeout / 4);
    bool has_ended = has_server_ended();
    while (!has_ended && clock_.ticks() < until) {
      co_await clock_.sleep_until(clock_.ticks() + kLookAgain);
      has_ended = has_server_ended();
    }
    co_return has_ended;
  }

  bool has_server_ended() {
    pollfd socket{.fd = socket_.native_handle(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&socket, 1, 0) != 0;
  }

  // Of a reset that came when reading had its end already.
  error_code error_behind_end() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    return {error, boost::system::system_category()};
  }

  io::Clock& clock_;
  const Server& server_;
  std::string where_;
  io::Resolver resolver_;
  tcp::socket socket_;
  std::optional<io::TlsContext> context_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  bool is_written_ = false;
  Sent sent_;
};

}  // namespace

asio::awaitable<Sent> send(asio::any_io_executor executor, io::Clock& clock, const Server& server, std::string frames) {
  Stream stream(std::move(executor), clock, server);
  co_await (stream.run(frames) || clock.sleep_until(clock.ticks() + server.timeout));
  co_return std::move(stream).result();
}

}  // namespace carbongate::syslog

#include "protocols/syslog/connection.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
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

auto into(error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

class Stream {
 public:
  Stream(asio::any_io_executor executor, const Server& server)
      : server_(server), resolver_(executor), socket_(executor) {
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

  // Our end of the stream, and the server's. One that ends its own before it has all of ours has not read it; over TLS
  // an alert says so.
  asio::awaitable<void> end() {
    error_code error;
    if (tls_) co_await tls_->async_shutdown(into(error));
    const bool is_alert = error.category() == asio::error::get_ssl_category();
    if (is_alert) co_return fail("the server has refused what was sent", error);
    if (error == asio::error::operation_aborted) co_return;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    std::array<char, 256> ignored;
    error.clear();
    while (!error) co_await socket_.async_read_some(asio::buffer(ignored), into(error));
    if (error == asio::error::eof && is_acknowledged()) {
      sent_.is_taken = true;
      sent_.is_confirmed = true;
    } else if (error == asio::error::eof) {
      sent_.trouble = where_ + ": the server has ended the connection before it read everything";
    } else {
      fail("the connection has broken before its end", error);
    }
  }

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
  Stream stream(std::move(executor), server);
  co_await (stream.run(frames) || clock.sleep_until(clock.ticks() + server.timeout));
  co_return std::move(stream).result();
}

}  // namespace carbongate::syslog

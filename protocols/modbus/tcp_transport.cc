#include "protocols/modbus/tcp_transport.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace carbongate::modbus {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

TcpTransport::TcpTransport(asio::any_io_executor executor, std::string host, std::uint16_t port)
    : resolver_(executor), socket_(executor), host_(std::move(host)), port_(port) {}

asio::awaitable<Opened> TcpTransport::open() {
  close();
  interrupted_ = false;
  error_code error;
  const auto endpoints = co_await resolver_.resolve(host_, port_, io::Resolver::kNoDeadline, error);
  if (error) co_return Opened{error, "cannot look up " + host_ + ": " + error.message()};
  for (const tcp::endpoint& endpoint : endpoints) {
    if (interrupted_) error = asio::error::operation_aborted;
    if (interrupted_) break;
    close();
    co_await socket_.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
    if (!error) break;
  }
  if (error) {
    close();
    co_return Opened{error, error.message()};
  }
  // Requests are small and each waits for its answer: Nagle's algorithm would only hold them back.
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  co_return Opened{};
}

asio::awaitable<error_code> TcpTransport::write(std::span<const std::byte> bytes) {
  error_code error;
  co_await asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                             asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

asio::awaitable<ByteTransport::Received> TcpTransport::read_some(std::span<std::byte> buffer) {
  Received received;
  received.bytes = co_await socket_.async_read_some(asio::buffer(buffer.data(), buffer.size()),
                                                    asio::redirect_error(asio::use_awaitable, received.error));
  co_return received;
}

void TcpTransport::interrupt() {
  interrupted_ = true;
  resolver_.cancel();
  error_code ignored;
  socket_.cancel(ignored);
}

void TcpTransport::close() {
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace carbongate::modbus

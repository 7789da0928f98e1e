#include "protocols/modbus/serial_transport.h"

#include <sys/ioctl.h>
#include <termios.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace carbongate::modbus {

namespace asio = boost::asio;
using boost::system::error_code;
using Port = asio::serial_port;

namespace {

error_code configure(Port& port, const SerialLine& line) {
  error_code error;
  const auto set = [&](const auto& option) {
    if (!error) port.set_option(option, error);
  };
  set(Port::baud_rate(line.baud_rate));
  set(Port::character_size(line.data_bits));
  set(Port::flow_control(Port::flow_control::none));
  using Parity = SerialLine::Parity;
  set(Port::parity(line.parity == Parity::even  ? Port::parity::even
                   : line.parity == Parity::odd ? Port::parity::odd
                                                : Port::parity::none));
  set(Port::stop_bits(line.stop_bits == 2 ? Port::stop_bits::two : Port::stop_bits::one));
  return error;
}

}  // namespace

std::chrono::microseconds byte_time(const SerialLine& line) {
  const unsigned parity_bits = line.parity == SerialLine::Parity::none ? 0 : 1;
  const unsigned bits = 1 + line.data_bits + parity_bits + line.stop_bits;
  return std::chrono::microseconds((bits * 1'000'000 + line.baud_rate - 1) / line.baud_rate);
}

std::chrono::milliseconds silence_between_frames(const SerialLine& line) {
  constexpr unsigned kFixedAbove = 19'200;
  if (line.baud_rate > kFixedAbove) return std::chrono::milliseconds(2);
  return std::chrono::ceil<std::chrono::milliseconds>(byte_time(line) * 7 / 2);
}

SerialTransport::SerialTransport(asio::any_io_executor executor, SerialLine line)
    : port_(std::move(executor)), line_(std::move(line)) {}

asio::awaitable<Opened> SerialTransport::open() {
  close();
  error_code error;
  port_.open(line_.port, error);
  if (error) co_return Opened{error, "cannot open " + line_.port + ": " + error.message()};
  error = configure(port_, line_);
  if (error) {
    close();
    co_return Opened{error, line_.port + " does not take these line settings: " + error.message()};
  }
  // Two programs on one line garble each other. Not every kind of port can be taken for oneself: best effort.
  ::ioctl(port_.native_handle(), TIOCEXCL);
  ::tcflush(port_.native_handle(), TCIOFLUSH);  // what the system still held from before
  co_return Opened{};
}

asio::awaitable<error_code> SerialTransport::write(std::span<const std::byte> bytes) {
  error_code error;
  co_await asio::async_write(port_, asio::buffer(bytes.data(), bytes.size()),
                             asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

asio::awaitable<ByteTransport::Received> SerialTransport::read_some(std::span<std::byte> buffer) {
  Received received;
  received.bytes = co_await port_.async_read_some(asio::buffer(buffer.data(), buffer.size()),
                                                  asio::redirect_error(asio::use_awaitable, received.error));
  co_return received;
}

void SerialTransport::interrupt() {
  error_code ignored;
  port_.cancel(ignored);
}

void SerialTransport::close() {
  error_code ignored;
  port_.close(ignored);
}

}  // namespace carbongate::modbus

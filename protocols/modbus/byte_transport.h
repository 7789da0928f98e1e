// The way to a Modbus line, as bytes: a TCP connection or a serial port.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <span>
#include <string>

namespace carbongate::modbus {

struct Opened {
  boost::system::error_code error;
  std::string text;  // why not, for people: "connection refused", "/dev/ttyS1: permission denied"
};

// Not thread-safe; one operation at a time, on the executor given at construction. No operation has a deadline of its
// own: interrupt() ends the one under way with operation_aborted. Cancelling the awaiting coroutine does so too, by
// exception.
class ByteTransport {
 public:
  virtual ~ByteTransport() = default;

  virtual boost::asio::awaitable<Opened> open() = 0;
  virtual boost::asio::awaitable<boost::system::error_code> write(std::span<const std::byte> bytes) = 0;

  struct Received {
    boost::system::error_code error;
    std::size_t bytes = 0;  // at least 1 without an error
  };
  virtual boost::asio::awaitable<Received> read_some(std::span<std::byte> buffer) = 0;

  virtual void interrupt() = 0;
  virtual void close() = 0;  // open() may follow
};

}  // namespace carbongate::modbus

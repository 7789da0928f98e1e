// A serial port with an RS-485 line behind it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/serial_port.hpp>
#include <chrono>
#include <string>

#include "protocols/modbus/byte_transport.h"

namespace carbongate::modbus {

struct SerialLine {
  std::string port;  // "/dev/ttyS1"
  unsigned baud_rate = 9600;
  enum class Parity : std::uint8_t { none, even, odd } parity = Parity::even;
  unsigned data_bits = 8;
  unsigned stop_bits = 1;

  friend bool operator==(const SerialLine&, const SerialLine&) = default;
};

std::chrono::microseconds byte_time(const SerialLine& line);  // of one character on the line, rounded up

// The silence that separates frames: 3.5 characters, fixed at 1.75 ms above 19200 baud (Modbus over Serial Line V1.02,
// 2.5.1.1), rounded up to whole milliseconds.
std::chrono::milliseconds silence_between_frames(const SerialLine& line);

class SerialTransport final : public ByteTransport {
 public:
  SerialTransport(boost::asio::any_io_executor executor, SerialLine line);

  // Takes the port for this process alone, where the system can do so.
  boost::asio::awaitable<Opened> open() override;
  boost::asio::awaitable<boost::system::error_code> write(std::span<const std::byte> bytes) override;
  boost::asio::awaitable<Received> read_some(std::span<std::byte> buffer) override;
  void interrupt() override;
  void close() override;

 private:
  boost::asio::serial_port port_;
  SerialLine line_;
};

}  // namespace carbongate::modbus

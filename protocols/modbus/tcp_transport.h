// A TCP connection to a Modbus server, or to a serial-to-Ethernet converter.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <string>

#include "protocols/io/resolve.h"
#include "protocols/modbus/byte_transport.h"

namespace carbongate::modbus {

class TcpTransport final : public ByteTransport {
 public:
  // `host` is a name or an address, IPv6 without brackets. A name is looked up at each open().
  TcpTransport(boost::asio::any_io_executor executor, std::string host, std::uint16_t port);

  boost::asio::awaitable<Opened> open() override;
  boost::asio::awaitable<boost::system::error_code> write(std::span<const std::byte> bytes) override;
  boost::asio::awaitable<Received> read_some(std::span<std::byte> buffer) override;
  void interrupt() override;
  void close() override;

 private:
  io::Resolver resolver_;
  boost::asio::ip::tcp::socket socket_;
  std::string host_;
  std::uint16_t port_;
  bool interrupted_ = false;  // between two operations of open() there is nothing to cancel
};

}  // namespace carbongate::modbus

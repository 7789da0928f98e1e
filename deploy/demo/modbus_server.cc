#include "deploy/demo/modbus_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>
#include <system_error>

namespace carbongate::demo {
namespace {

constexpr std::size_t kUnitAt = 6;  // MBAP header: transaction 2, protocol 2, length 2, unit 1; then the PDU
constexpr std::size_t kFunctionAt = 7;
constexpr std::size_t kQuantityAt = 10;

// The number of registers that a read asks for; 0 for every other function.
int registers_asked(std::span<const std::uint8_t> request) {
  const bool read = request[kFunctionAt] == MODBUS_FC_READ_HOLDING_REGISTERS ||
                    request[kFunctionAt] == MODBUS_FC_READ_INPUT_REGISTERS;
  return read && request.size() >= kQuantityAt + 2 ? request[kQuantityAt] << 8 | request[kQuantityAt + 1] : 0;
}

}  // namespace

ModbusServer::ModbusServer(int port) : context_(modbus_new_tcp("127.0.0.1", port), &modbus_free) {
  if (!context_) throw std::system_error(errno, std::generic_category(), "libmodbus");
  // A request that stops half-way must not hold up the others for long; on loopback it arrives in one piece.
  modbus_set_byte_timeout(context_.get(), 0, 100'000);
  listener_ = modbus_tcp_listen(context_.get(), static_cast<int>(kConnectionsMax));
  if (listener_ < 0) {
    throw std::system_error(errno, std::generic_category(), "Modbus TCP port " + std::to_string(port));
  }
}

ModbusServer::~ModbusServer() {
  for (const int connection : connections_) close(connection);
  close(listener_);
}

void ModbusServer::serve_until(std::chrono::steady_clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return;
    std::vector<pollfd> waiting{{.fd = listener_, .events = POLLIN, .revents = 0}};
    for (const int connection : connections_) waiting.push_back({.fd = connection, .events = POLLIN, .revents = 0});
    if (poll(waiting.data(), waiting.size(), static_cast<int>(left.count())) < 0) return;

    std::erase_if(connections_, [&](int connection) {
      for (const pollfd& p : waiting) {
        if (p.fd == connection && p.revents != 0 && !answer(connection)) {
          close(connection);
          return true;
        }
      }
      return false;
    });
    if (waiting.front().revents != 0) accept_connection();
  }
}

void ModbusServer::accept_connection() {
  const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (connection < 0) return;
  if (connections_.size() == kConnectionsMax) {
    close(connections_.front());
    connections_.erase(connections_.begin());
  }
  connections_.push_back(connection);
}

bool ModbusServer::answer(int connection) {
  std::array<std::uint8_t, MODBUS_TCP_MAX_ADU_LENGTH> request{};
  modbus_set_socket(context_.get(), connection);
  const int length = modbus_receive(context_.get(), request.data());
  if (length < 0) return false;
  if (length == 0) return true;

  const auto unit = units_.find(request[kUnitAt]);
  if (unit == units_.end()) {
    return modbus_reply_exception(context_.get(), request.data(), MODBUS_EXCEPTION_GATEWAY_TARGET) >= 0;
  }
  const int asked = registers_asked(std::span(request).first(static_cast<std::size_t>(length)));
  if (asked > unit->second->registers_per_request_max()) {
    return modbus_reply_exception(context_.get(), request.data(), MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE) >= 0;
  }
  return modbus_reply(context_.get(), request.data(), length, unit->second->mapping()) >= 0;
}

}  // namespace carbongate::demo

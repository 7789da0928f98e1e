// A Modbus TCP gateway with several units behind it, served by libmodbus.
#pragma once

#include <modbus/modbus.h>

#include <chrono>
#include <map>
#include <memory>
#include <vector>

#include "deploy/demo/register_image.h"

namespace carbongate::demo {

class ModbusServer {
 public:
  // Listens on 127.0.0.1. Throws std::system_error if the port is taken.
  explicit ModbusServer(int port);
  ~ModbusServer();
  ModbusServer(const ModbusServer&) = delete;
  ModbusServer& operator=(const ModbusServer&) = delete;

  // The image outlives the server. Requests to units that were not added are answered with exception 11 (gateway target
  // device failed to respond), as a serial gateway does.
  void add_unit(int unit, RegisterImage& image) { units_.emplace(unit, &image); }

  // Answers what arrives until `deadline`, or until a signal interrupts the wait.
  void serve_until(std::chrono::steady_clock::time_point deadline);

 private:
  static constexpr std::size_t kConnectionsMax = 32;  // one more replaces the oldest

  void accept_connection();
  bool answer(int connection);  // false: the connection has ended

  std::unique_ptr<modbus_t, void (*)(modbus_t*)> context_;
  int listener_ = -1;
  std::vector<int> connections_;
  std::map<int, RegisterImage*> units_;
};

}  // namespace carbongate::demo

// One Modbus connection, TCP or serial, and the devices behind it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/driver.h"
#include "drivers/modbus/session_fsm.h"
#include "drivers/poll_waiters.h"
#include "drivers/transition_log.h"
#include "protocols/io/clock.h"
#include "protocols/modbus/byte_transport.h"

namespace carbongate::modbus_driver {

// Moves bytes and time between a transport and the session, which decides everything. Loop thread only.
class ModbusDriver final : public Driver, private PollPort {
 public:
  struct Unit {
    PolledDevice device;
    std::vector<PointId> points;  // of device.fields, one for one
  };

  // `name` is for log lines and batches: "modbus-tcp 10.0.0.5:502". `clock` outlives the driver.
  ModbusDriver(std::string name, std::unique_ptr<modbus::ByteTransport> transport, LineOptions options,
               std::vector<Unit> units, boost::asio::any_io_executor executor, io::Clock& clock);

  boost::asio::awaitable<void> run(Inbox& inbox) override;
  boost::asio::awaitable<std::vector<Reading>> read_once(std::vector<std::string> devices, Duration patience) override;
  DriverStatus status() const override;
  const FrameLog* frames(std::string_view device) const override;
  PollPort* poll_port() override { return this; }

 private:
  class Conversation;
  using Deliver = std::function<boost::asio::awaitable<void>(std::vector<Reading>)>;

  // Ends when the session says Stop, when nothing has been heard for `patience`, or with what `deliver` throws, or by
  // cancellation; the transport is closed then.
  boost::asio::awaitable<void> converse(Deliver deliver, std::optional<Duration> patience);
  std::vector<PolledDevice> polled_devices() const;
  boost::asio::awaitable<PollAnswer> poll(std::string device) override;
  std::optional<std::size_t> find(std::string_view device) const;
  void hand_out_answers();
  std::vector<Reading> to_readings(const SessionFsm::Deliver& delivery) const;
  Moment now() const { return {clock_.ticks(), clock_.now()}; }
  void log_transitions();
  void log_device(std::size_t index);
  void log_link();

  std::string name_;
  std::unique_ptr<modbus::ByteTransport> transport_;
  LineOptions options_;
  std::vector<Unit> units_;
  boost::asio::any_io_executor executor_;
  io::Clock& clock_;
  SessionFsm session_;
  Conversation* conversation_ = nullptr;  // under way
  PollWaiters waiters_;
  TransitionLog link_log_;
  std::vector<TransitionLog> device_logs_;
  io::SteadyTime all_logged_at_{};  // when every device was last looked at
  bool quiet_ = false;
};

}  // namespace carbongate::modbus_driver

// The driver of one broker and all devices that publish through it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/driver.h"
#include "drivers/log_gate.h"
#include "drivers/mqtt/config.h"
#include "drivers/mqtt/router.h"
#include "drivers/registry.h"
#include "protocols/mqtt/session.h"

namespace carbongate::mqtt_driver {

class MqttDriver final : public Driver {
 public:
  using SessionFactory = std::function<std::unique_ptr<mqtt::Session>(mqtt::SessionOptions)>;

  // `plans` is not empty, and all are of one broker.
  MqttDriver(std::vector<std::unique_ptr<MqttPlan>> plans, DriverContext context, SessionFactory make_session);

  boost::asio::awaitable<void> run(Inbox& inbox) override;

  // With a session of its own under another client id, so that a gateway that runs at the same time is not disturbed.
  // Retained messages count as answers.
  boost::asio::awaitable<std::vector<Reading>> read_once(std::vector<std::string> devices, Duration patience) override;

  DriverStatus status() const override;
  const FrameLog* frames(std::string_view device) const override;

 private:
  struct Device {
    std::string id;
    const MqttPlan* plan = nullptr;
    std::size_t member = 0;
    Instant since{};               // of being heard regularly
    std::optional<Instant> heard;  // last message with a reading
    std::uint64_t messages = 0;
    std::uint64_t errors = 0;
    std::uint64_t empty = 0;  // messages in which none of the points was found
    std::string problem;      // of the last message, "" if it was fine
    LogGate problems_logged;
    FrameLog frames;
  };

  Device& device(Target target) { return devices_[first_device_[target.plan] + target.member]; }
  bool wanted(const Device& device, const std::vector<std::string>& ids) const;
  mqtt::SessionOptions session_options(const std::vector<std::string>& devices) const;

  boost::asio::awaitable<void> hand_over(std::vector<mqtt::Message> messages, Inbox& inbox);
  void read(const mqtt::Message& message, bool live, std::vector<Reading>& readings);
  void read(const mqtt::Message& message, Device& device, std::vector<Reading>& readings);
  void note_problem(Device& device, const std::string& topic, std::string problem);
  void note_unclaimed(const mqtt::Message& message, std::string_view undeclared);

  Duration patience_with(const Device& device) const;
  DeviceStatus status_of(const Device& device, const mqtt::SessionStatus& session) const;

  std::vector<std::unique_ptr<MqttPlan>> plans_;
  DriverContext context_;
  SessionFactory make_session_;
  Router router_;
  std::vector<std::size_t> first_device_;  // of each plan
  std::vector<Device> devices_;
  std::unique_ptr<mqtt::Session> session_;  // the last one made

  // How read_once() ended: its session has been closed since, which is no fault of the broker's.
  struct ReadOnce {
    mqtt::SessionStatus session;
    Duration patience;
  };
  std::optional<ReadOnce> read_once_;
  std::uint64_t unclaimed_ = 0;  // messages that no device of the configuration answers to
  std::set<std::string, std::less<>> unclaimed_logged_;
};

}  // namespace carbongate::mqtt_driver

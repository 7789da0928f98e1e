// Publishes what MQTT meters say, through libmosquitto.
#pragma once

#include <mosquitto.h>

#include <chrono>
#include <memory>
#include <string>

namespace carbongate::demo {

// A client of the broker on 127.0.0.1, without a thread of its own. While there is no broker, what is published is
// lost, as with a small meter that has no memory for it.
class MqttPublisher {
 public:
  // `availability_topic` says "Online" (retained), and by the broker's last will "Offline".
  MqttPublisher(int port, std::string availability_topic);
  ~MqttPublisher();
  MqttPublisher(const MqttPublisher&) = delete;
  MqttPublisher& operator=(const MqttPublisher&) = delete;

  // Sends and receives what is due, without waiting; connects, and connects again after the broker was away. To be
  // called several times a second.
  void turn();

  void publish(const std::string& topic, const std::string& payload);  // QoS 1
  bool connected() const { return connected_; }

 private:
  static constexpr std::chrono::seconds kReconnectDelay{1};

  int port_;
  std::string availability_topic_;
  bool connected_ = false;  // accepted by the broker
  std::chrono::steady_clock::time_point next_attempt_{};
  std::unique_ptr<mosquitto, void (*)(mosquitto*)> client_;
};

}  // namespace carbongate::demo

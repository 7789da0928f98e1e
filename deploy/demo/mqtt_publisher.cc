#include "deploy/demo/mqtt_publisher.h"

#include <unistd.h>

#include <stdexcept>
#include <string_view>

namespace carbongate::demo {
namespace {

constexpr std::string_view kOnline = "Online";
constexpr std::string_view kOffline = "Offline";
constexpr int kKeepAlive_s = 30;

void say(mosquitto* client, const std::string& topic, std::string_view text, bool retain) {
  mosquitto_publish(client, nullptr, topic.c_str(), static_cast<int>(text.size()), text.data(), 1, retain);
}

}  // namespace

MqttPublisher::MqttPublisher(int port, std::string availability_topic)
    : port_(port), availability_topic_(std::move(availability_topic)), client_(nullptr, &mosquitto_destroy) {
  mosquitto_lib_init();
  client_.reset(mosquitto_new(("carbongate-park-" + std::to_string(getpid())).c_str(), true, this));
  if (!client_) throw std::runtime_error("libmosquitto: no memory");
  mosquitto_will_set(client_.get(), availability_topic_.c_str(), static_cast<int>(kOffline.size()), kOffline.data(), 1,
                     true);
  mosquitto_connect_callback_set(client_.get(), [](mosquitto* client, void* self, int result) {
    auto* publisher = static_cast<MqttPublisher*>(self);
    publisher->connected_ = result == 0;
    if (result == 0) say(client, publisher->availability_topic_, kOnline, true);
  });
  mosquitto_disconnect_callback_set(
      client_.get(), [](mosquitto*, void* self, int) { static_cast<MqttPublisher*>(self)->connected_ = false; });
}

MqttPublisher::~MqttPublisher() {
  if (connected_) {
    say(client_.get(), availability_topic_, kOffline, true);
    mosquitto_loop(client_.get(), 0, 1);
    mosquitto_disconnect(client_.get());
  }
  client_.reset();
  mosquitto_lib_cleanup();
}

void MqttPublisher::turn() {
  if (mosquitto_loop(client_.get(), 0, 1) == MOSQ_ERR_SUCCESS) return;
  connected_ = false;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_attempt_) return;
  next_attempt_ = now + kReconnectDelay;
  mosquitto_connect(client_.get(), "127.0.0.1", port_, kKeepAlive_s);  // on loopback refused or accepted at once
}

void MqttPublisher::publish(const std::string& topic, const std::string& payload) {
  if (connected_) say(client_.get(), topic, payload, false);
}

}  // namespace carbongate::demo

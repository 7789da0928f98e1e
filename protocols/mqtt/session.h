// Our seam to an MQTT broker: messages come in, each QoS 1 or 2 message with a receipt that holds back its
// acknowledgement.
//
// The one implementation that talks to a broker is PahoSession; drivers see this header alone, and their tests hand in
// a session that plays a script.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/reader/secret.h"
#include "protocols/io/clock.h"

namespace carbongate::mqtt {

// The promise that a message is acknowledged only once it is safe. Whoever takes the message settles it, once; a
// receipt that is dropped unsettled counts as not committed. Any thread.
class Receipt {
 public:
  explicit Receipt(std::function<void(bool committed)> settled) : settled_(std::move(settled)) {}
  Receipt(const Receipt&) = delete;
  Receipt& operator=(const Receipt&) = delete;
  ~Receipt() { settle(false); }

  // True: acknowledge it. False: do not; the broker will deliver it again.
  void settle(bool committed) {
    if (auto settled = std::exchange(settled_, nullptr)) settled(committed);
  }

 private:
  std::function<void(bool)> settled_;
};

struct Message {
  std::string topic;
  std::string payload;               // as published; empty if it was larger than SessionOptions::payload_max
  std::size_t payload_bytes = 0;     // its size as published
  int qos = 0;                       // 0, 1 or 2
  bool retained = false;             // kept by the broker from earlier, and sent because we subscribed
  bool duplicate = false;            // the broker has sent it before; we did not acknowledge it
  io::WallTime arrived{};            // when we heard it
  std::shared_ptr<Receipt> receipt;  // null for QoS 0
};

struct Subscription {
  std::string filter;
  int qos = 1;
};

enum class Version { automatic, v5, v3_1_1 };

struct Server {
  std::string host;
  std::uint16_t port = 1883;
};

struct SessionOptions {
  std::string name;  // of the broker in the configuration, for messages: "plant"
  std::string host;
  std::uint16_t port = 1883;
  std::vector<Server> failover;          // further servers of the same cluster, in the order in which they are tried
  Version version = Version::automatic;  // automatic: 5, and 3.1.1 once the broker has refused 5

  std::string client_id;
  std::string username;
  config::Secret password;

  bool tls = false;
  std::filesystem::path ca_file;    // empty: the system's
  std::filesystem::path cert_file;  // our own certificate, if the broker wants one
  std::filesystem::path key_file;
  bool verify = true;  // the broker's certificate and name

  std::chrono::seconds keep_alive{60};
  bool clean_start = false;                        // true: forget what the broker kept for us
  std::chrono::seconds session_expiry{7 * 86400};  // how long the broker keeps it; 0: not at all
  std::uint16_t receive_maximum = 100;             // unacknowledged messages the broker may have under way to us

  std::size_t payload_max = 256 * 1024;  // bytes; a larger message is handed over without its payload

  std::vector<Subscription> subscriptions;
};

struct SessionStatus {
  // The broker serves us: it has answered the subscriptions, or sends before that what it kept for us, which may take
  // minutes. A subscription that it refuses is a warning in the log; the others go on.
  bool connected = false;
  io::WallTime since{};          // of `connected`
  std::string detail;            // why not, or what is wrong although we are
  std::string protocol;          // "5" or "3.1.1", while connected
  std::uint64_t reconnects = 0;  // connections after the first
  std::uint64_t messages = 0;    // heard
  std::uint64_t dropped = 0;     // QoS 0 messages that found the queue full
  std::uint64_t abandoned =
      0;  // QoS 1 and 2 messages left to be delivered again, because they were not committed in time
};

class Session {
 public:
  virtual ~Session() = default;

  // Takes what has arrived, in order. The next call is made when the one before has completed: a slow handler makes QoS
  // 0 messages queue up, and QoS 1 and 2 wait at the broker. Must not throw.
  using Handler = std::function<boost::asio::awaitable<void>(std::vector<Message>)>;

  // Connects, subscribes, hands over, reconnects. Runs on the loop; ends only by cancellation, and then leaves nothing
  // running behind. Receipts may outlive it.
  virtual boost::asio::awaitable<void> run(Handler handler) = 0;

  virtual SessionStatus status() const = 0;  // on the loop
};

}  // namespace carbongate::mqtt

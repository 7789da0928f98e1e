#include "protocols/mqtt/paho_publisher.h"

#include <mqtt/async_client.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "protocols/io/blocking_thread.h"
#include "protocols/io/elsewhere.h"
#include "protocols/mqtt/paho_session_options.h"
#include "protocols/mqtt/reachability.h"

namespace carbongate::mqtt {

namespace asio = boost::asio;
namespace paho = ::mqtt;
using namespace std::chrono_literals;

namespace {

constexpr auto kConnectLimit = 10s;
constexpr auto kProbeLimit = 3s;
constexpr auto kAcknowledgedWithin = 30s;
constexpr auto kDisconnectLimit = 1s;
constexpr auto kStep = 20ms;  // how soon a stop or a lost connection is noticed while Paho works

constexpr int kUnacceptableProtocolVersion = 1;   // CONNACK of 3.1.1, table 3.1
constexpr int kUnsupportedProtocolVersion = 132;  // CONNACK of 5.0, table 3-1

// PUBACK of 5.0, table 3-4: what is wrong with the message itself, and will be the next time. What a user may not
// write, or a quota does not allow, waits for somebody to change that.
bool is_for_good(int code) {
  constexpr int kTopicNameInvalid = 144;
  constexpr int kPacketTooLarge = 149;
  constexpr int kPayloadFormatInvalid = 153;
  return code == kTopicNameInvalid || code == kPacketTooLarge || code == kPayloadFormatInvalid;
}

}  // namespace

class PahoPublisher::Worker {
 public:
  Worker(SessionOptions options, std::size_t in_flight)
      : options_(std::move(options)),
        in_flight_(in_flight),
        version_(options_.version == Version::v3_1_1 ? MQTTVERSION_3_1_1 : MQTTVERSION_5) {
    options_.clean_start = true;  // what was not acknowledged is published again by whom it came from
  }

  // On the thread, as all that follows. `queue`: says when to end.
  Published publish(const std::vector<Outgoing>& messages, io::BlockingThread::Queue& queue);
  void hang_up();

 private:
  struct Connection {
    std::unique_ptr<paho::async_client> client;
    std::size_t in_flight = 0;
  };

  bool is_to_end() { return queue_->is_to_end(); }
  std::optional<std::string> why_lost() {
    const std::lock_guard lock(mutex_);
    if (!lost_) return std::nullopt;
    return "the connection to " + place_of(options_) + " was lost" +
           (reason_ >= kFirstFailure ? ": " + refusal_text(reason_) : std::string());
  }

  std::string connect();
  std::string try_to_connect();
  std::string send(const std::vector<Outgoing>& messages, Published& published);
  std::string await_first(std::deque<paho::delivery_token_ptr>& window, const Outgoing& message, Published& published);
  template <class Token>
  bool wait_for(const Token& token, std::chrono::milliseconds limit);

  SessionOptions options_;
  const std::size_t in_flight_;

  std::mutex mutex_;   // of what Paho's threads tell
  bool lost_ = false;  // the present connection
  int reason_ = 0;     // of the broker's DISCONNECT, 0 if it sent none

  io::BlockingThread::Queue* queue_ = nullptr;
  int version_;
  std::optional<Connection> connection_;
};

Published PahoPublisher::Worker::publish(const std::vector<Outgoing>& messages, io::BlockingThread::Queue& queue) {
  queue_ = &queue;
  Published published;
  if (connection_ && why_lost()) hang_up();
  if (!connection_) published.trouble = connect();
  if (published.trouble.empty()) {
    try {
      published.trouble = send(messages, published);
    } catch (const std::exception& error) {
      published.trouble = place_of(options_) + ": " + error.what();
    }
  }
  // What is under way on it would come in between the next time.
  if (!published.trouble.empty()) {
    hang_up();
    turn_to_next_server(options_);
  }
  return published;
}

std::string PahoPublisher::Worker::connect() {
  std::string trouble;
  try {
    {
      const std::lock_guard lock(mutex_);
      lost_ = false;
      reason_ = 0;
    }
    {
      const std::lock_guard lifetime(client_lifetime());
      connection_.emplace(Connection{
          std::make_unique<paho::async_client>(uri_of(options_), options_.client_id, paho::create_options(version_)),
          in_flight_});
    }
    const auto lost = [this](int reason) {
      const std::lock_guard lock(mutex_);
      lost_ = true;
      if (reason != 0) reason_ = reason;
    };
    connection_->client->set_connection_lost_handler([lost](const std::string&) { lost(0); });
    connection_->client->set_disconnected_handler(
        [lost](const paho::properties&, paho::ReasonCode reason) { lost(reason); });
    trouble = try_to_connect();
  } catch (const std::exception& error) {
    trouble = place_of(options_) + ": " + error.what();
  }
  if (!trouble.empty()) hang_up();
  return trouble;
}

std::string PahoPublisher::Worker::try_to_connect() {
  const bool may_fall_back = options_.version == Version::automatic;
  try {
    paho::connect_options connect;
    fill(connect, options_, version_, kConnectLimit);
    connect.set_max_inflight(static_cast<int>(in_flight_));
    const auto token = connection_->client->connect(connect);
    if (!wait_for(token, kConnectLimit + 1s)) return "no answer from " + place_of(options_);
    if (version_ == MQTTVERSION_5) {
      const paho::connect_response response = token->get_connect_response();
      const paho::properties& said = response.get_properties();
      if (said.contains(paho::property::RECEIVE_MAXIMUM)) {
        const auto wanted = paho::get<std::uint16_t>(said, paho::property::RECEIVE_MAXIMUM);
        connection_->in_flight = std::clamp<std::size_t>(wanted, 1, in_flight_);
      }
    }
    return {};
  } catch (const paho::exception& error) {
    const int code = error.get_return_code() > 0 ? error.get_return_code() : static_cast<int>(error.get_reason_code());
    if (error.get_return_code() > 0 || code >= kFirstFailure) {
      if (version_ == MQTTVERSION_5 && may_fall_back &&
          (code == kUnacceptableProtocolVersion || code == kUnsupportedProtocolVersion)) {
        version_ = MQTTVERSION_3_1_1;
        return place_of(options_) + " does not speak MQTT 5; going on with 3.1.1";
      }
      return place_of(options_) + " refused the connection: " + refusal_text(code);
    }
    const std::string why = why_unreachable(endpoint_of(options_), kProbeLimit);
    // Reachable, and yet no CONNACK: some brokers close the connection on a version they do not know.
    if (why.empty() && may_fall_back) version_ = version_ == MQTTVERSION_5 ? MQTTVERSION_3_1_1 : MQTTVERSION_5;
    return "cannot connect to " + place_of(options_) + ": " +
           (why.empty() ? "the broker closed the connection without an answer" : why);
  }
}

// Why not all messages are settled.
std::string PahoPublisher::Worker::send(const std::vector<Outgoing>& messages, Published& published) {
  std::deque<paho::delivery_token_ptr> window;
  std::size_t next = 0;
  while (published.settled < messages.size()) {
    while (next < messages.size() && window.size() < connection_->in_flight) {
      const Outgoing& message = messages[next];
      window.push_back(connection_->client->publish(message.topic, message.payload.data(), message.payload.size(), 1,
                                                    message.retained));
      ++next;
    }
    if (std::string trouble = await_first(window, messages[published.settled], published); !trouble.empty()) {
      return trouble;
    }
  }
  return {};
}

std::string PahoPublisher::Worker::await_first(std::deque<paho::delivery_token_ptr>& window, const Outgoing& message,
                                               Published& published) {
  try {
    if (!wait_for(window.front(), kAcknowledgedWithin)) {
      return is_to_end() ? "stopped"
                         : why_lost().value_or(place_of(options_) + " does not acknowledge what is published");
    }
  } catch (const paho::exception& error) {
    const int code = static_cast<int>(error.get_reason_code());
    if (code >= kFirstFailure) {
      std::string words = message.topic + ": " + refusal_text(code);
      if (!is_for_good(code)) return place_of(options_) + " refuses what is published to " + words;
      published.refused.push_back({published.settled, std::move(words)});
    } else if (error.get_return_code() != 0) {
      return why_lost().value_or(place_of(options_) + ": " + error.what());
    }  // else it has no subscribers: Paho C++ 1.2 takes any code but 0 to 2 for a failure
  }
  window.pop_front();
  ++published.settled;
  return {};
}

// In steps, so that a stop and a lost connection are noticed. False: one of those, or not complete within the limit.
template <class Token>
bool PahoPublisher::Worker::wait_for(const Token& token, std::chrono::milliseconds limit) {
  for (auto waited = 0ms; waited < limit; waited += kStep) {
    if (token->wait_for(kStep)) return true;
    if (is_to_end() || why_lost()) return false;
  }
  return false;
}

void PahoPublisher::Worker::hang_up() {
  if (!connection_) return;
  try {
    if (connection_->client->is_connected()) connection_->client->disconnect()->wait_for(kDisconnectLimit);
  } catch (const paho::exception&) {
    // It was not connected any longer.
  }
  const std::lock_guard lifetime(client_lifetime());
  connection_.reset();
}

PahoPublisher::PahoPublisher(SessionOptions options, std::size_t in_flight)
    : worker_(std::make_shared<Worker>(std::move(options), in_flight)),
      thread_([worker = worker_] { worker->hang_up(); }) {}

PahoPublisher::~PahoPublisher() = default;

asio::awaitable<Published> PahoPublisher::publish(std::vector<Outgoing> messages) {
  const auto queue = thread_.queue();
  auto work = [worker = worker_, queue, messages = std::move(messages)] { return worker->publish(messages, *queue); };
  co_return co_await io::elsewhere<Published>([queue](std::function<void()> run) { queue->post(std::move(run)); },
                                              std::move(work), [queue] { queue->cancel(); });
}

}  // namespace carbongate::mqtt

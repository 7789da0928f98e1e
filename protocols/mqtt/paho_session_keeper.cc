#include "protocols/mqtt/paho_session_keeper.h"

#include <mqtt/async_client.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "protocols/io/backoff.h"
#include "protocols/mqtt/paho_session_options.h"
#include "protocols/mqtt/reachability.h"

namespace carbongate::mqtt {

namespace paho = ::mqtt;
using namespace std::chrono_literals;

namespace {

constexpr auto kConnectLimit = 15s;
constexpr auto kProbeLimit = 3s;
constexpr auto kDisconnectLimit = 1500ms;
constexpr auto kSubscribeLimit = 30s;  // beyond keep_alive: a message that waits for its commit delays the answer
constexpr auto kStep = 50ms;           // how soon a stop is noticed while Paho works
constexpr auto kBackoffBase = 1s;
constexpr auto kBackoffCap = 30s;
constexpr auto kStableAfter =
    2 * kBackoffCap;            // longer than a gateway with our id would wait before it takes over again
constexpr int kSuspicious = 3;  // connections lost in a row before we name another client as the cause
constexpr std::size_t kFiltersPerPacket = 100;

constexpr int kUnacceptableProtocolVersion = 1;   // CONNACK of 3.1.1, table 3.1
constexpr int kUnsupportedProtocolVersion = 132;  // CONNACK of 5.0, table 3-1
constexpr int kSessionTakenOver = 142;            // DISCONNECT of 5.0, table 3-10

}  // namespace

// What the keeper's thread, Paho's threads and request_stop() share.
struct Keeper::State {
  explicit State(const SessionOptions& options)
      : version(options.version == Version::v3_1_1 ? MQTTVERSION_3_1_1 : MQTTVERSION_5),
        backoff(kBackoffBase, kBackoffCap) {}

  std::atomic<std::uint64_t> messages = 0;  // taken, by all connections
  std::atomic<bool> heard = false;          // a message, by the present connection

  std::mutex mutex;
  std::condition_variable changed;
  bool stop = false;
  bool orphaned = false;
  bool lost = false;       // the present connection
  bool abandoned = false;  // we broke it ourselves
  int reason = 0;          // of the broker's DISCONNECT, 0 if it sent none

  // The keeper's thread only.
  int version;
  io::Backoff backoff;
  int lost_in_a_row = 0;
  bool session_present = false;  // of the present connection
  bool told_connected = false;   // of the present connection

  bool stopping() {
    const std::lock_guard lock(mutex);
    return stop;
  }
};

// One Paho client, for one connection.
class Keeper::Connection {
 public:
  Connection(const SessionOptions& options, int version, Handover& handover, io::Clock& clock, State& state)
      : options_(options), handover_(handover), clock_(clock), state_(state) {
    {
      const std::lock_guard lock(state_.mutex);
      state_.lost = state_.abandoned = false;
      state_.reason = 0;
    }
    state_.heard = state_.told_connected = false;
    const std::lock_guard lifetime(client_lifetime());
    client_ = std::make_unique<paho::async_client>(uri_of(options), options.client_id, paho::create_options(version));
    // Before connect(): the messages of a resumed session come before connect() has completed.
    client_->set_message_callback([this](paho::const_message_ptr message) { on_message(*message); });
    client_->set_connection_lost_handler([this](const std::string&) { on_lost(0); });
    client_->set_disconnected_handler([this](const paho::properties&, paho::ReasonCode reason) { on_lost(reason); });
  }

  ~Connection() {
    const std::lock_guard lifetime(client_lifetime());
    client_.reset();
  }

  paho::async_client& client() { return *client_; }

 private:
  // On Paho's receive thread, for which an exception would be the end of the process.
  void on_message(const paho::message& incoming) noexcept {
    state_.heard = true;
    try {
      const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(options_.keep_alive) * 3 / 4;
      std::optional<Message> message = copy(incoming);
      if (message && handover_.offer(std::move(*message), patience) == Handover::Verdict::acknowledge) {
        ++state_.messages;
        return;
      }
    } catch (const std::exception&) {
      // Out of memory: as if it had not been committed.
    }
    abandon();
  }

  // nullopt: nobody is there any more to take it.
  std::optional<Message> copy(const paho::message& incoming) const {
    Message message;
    const auto& payload = incoming.get_payload_ref();
    message.topic = incoming.get_topic();
    message.payload_bytes = payload.size();
    if (payload.size() <= options_.payload_max) message.payload.assign(payload.data(), payload.size());
    message.qos = incoming.get_qos();
    message.retained = incoming.is_retained();
    message.duplicate = incoming.is_duplicate();
    const std::lock_guard lock(state_.mutex);
    if (state_.orphaned) return std::nullopt;
    message.arrived = clock_.now();
    return message;
  }

  // The message is not safe, and Paho will acknowledge it as soon as we return; it offers no way to prevent that, and
  // any of its own functions that could close the connection would run only later. So the sockets are shut down under
  // it: the acknowledgement cannot leave, Paho sees an error and reports the connection lost, and the broker sends the
  // message again. Which socket is this client's cannot be asked, hence all that lead to this port: a connection hit
  // for nothing is made again, which is the worst that can happen.
  void abandon() {
    shut_down_connections_to(options_.port);
    const std::lock_guard lock(state_.mutex);
    state_.abandoned = true;
    state_.changed.notify_all();
  }

  void on_lost(int reason) {
    const std::lock_guard lock(state_.mutex);
    state_.lost = true;
    if (reason != 0) state_.reason = reason;
    state_.changed.notify_all();
  }

  const SessionOptions& options_;
  Handover& handover_;
  io::Clock& clock_;
  State& state_;
  std::unique_ptr<paho::async_client> client_;
};

std::shared_ptr<Keeper> Keeper::start(SessionOptions options, std::shared_ptr<Handover> handover, io::Clock& clock,
                                      std::function<void(LinkReport)> report) {
  const std::shared_ptr<Keeper> keeper(new Keeper(std::move(options), std::move(handover), clock, std::move(report)));
  keeper->thread_ = std::thread([keeper] { keeper->live(); });
  return keeper;
}

Keeper::Keeper(SessionOptions options, std::shared_ptr<Handover> handover, io::Clock& clock,
               std::function<void(LinkReport)> report)
    : options_(std::move(options)),
      handover_(std::move(handover)),
      clock_(clock),
      report_(std::move(report)),
      state_(std::make_shared<State>(options_)) {}

Keeper::~Keeper() = default;

void Keeper::request_stop() {
  const std::lock_guard lock(state_->mutex);
  state_->stop = true;
  state_->changed.notify_all();
}

void Keeper::join() {
  thread_.join();
}

void Keeper::orphan() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = state_->orphaned = true;
  }
  handover_->refuse();
  thread_.detach();
}

void Keeper::report(LinkReport report) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->orphaned) report_(std::move(report));
}

io::SteadyTime Keeper::ticks() {
  const std::lock_guard lock(state_->mutex);
  return state_->orphaned ? io::SteadyTime{} : clock_.ticks();
}

void Keeper::live() {
  while (!state_->stopping()) {
    try {
      keep_one_connection();
    } catch (const std::exception& error) {
      report_failure(place_of(options_) + ": " + error.what());
    }
    turn_to_next_server(options_);
    pause();
  }
  report({.what = LinkReport::What::ended});
}

// Waits for a token in steps, so that a stop is noticed. False: stopped, or not complete within the limit.
template <class Token>
static bool wait_for(
    const Token& token, std::chrono::milliseconds limit, const std::function<bool()>& stop,
    const std::function<std::uint64_t()>& progress = [] { return std::uint64_t{0}; }) {
  std::uint64_t seen = progress();
  for (auto waited = 0ms; waited < limit; waited += kStep) {
    if (token->wait_for(kStep)) return true;
    if (stop()) return false;
    if (const std::uint64_t now = progress(); now != seen) {
      seen = now;
      waited = 0ms;
    }
  }
  return false;
}

void Keeper::keep_one_connection() {
  Connection connection(options_, state_->version, *handover_, clock_, *state_);
  if (!establish(connection)) {
    if (state_->stopping()) handover_->refuse();
    return;
  }
  const io::SteadyTime since = ticks();
  if (!subscribe(connection)) return;

  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [&] { return state_->lost || state_->stop; });
  const bool lost = state_->lost;
  const bool abandoned = state_->abandoned;
  const int reason = state_->reason;
  lock.unlock();

  if (!lost) {
    // Stopping. Messages that come in until the connection is closed are still committed and acknowledged.
    try {
      const auto token = connection.client().disconnect(0);
      if (!wait_for(token, kDisconnectLimit, [] { return false; })) handover_->refuse();
    } catch (const paho::exception&) {
      // Lost meanwhile: what we wanted.
    }
    handover_->refuse();
    return;
  }
  const bool stable = ticks() - since >= kStableAfter;
  if (stable) state_->backoff.reset();
  state_->lost_in_a_row = stable || abandoned ? 0 : state_->lost_in_a_row + 1;
  if (abandoned) {
    report_failure("connection dropped: a message was not stored within " +
                   std::to_string(options_.keep_alive.count() * 3 / 4) + " s; the broker will send it again");
  } else {
    report_failure("connection to " + place_of(options_) + " lost" + why_lost(reason));
  }
}

// A broker of MQTT 5 should say "session taken over" to the client it turns out; mosquitto 2.0.11 does not, and
// over 3.1.1 none can.
std::string Keeper::why_lost(int reason) const {
  const std::string advice =
      "another client uses the id '" + options_.client_id + "'. Give each gateway a client_id of its own";
  if (reason == kSessionTakenOver) return ": session taken over, " + advice;
  if (reason != 0) return ": " + refusal_text(reason);
  if (state_->lost_in_a_row < kSuspicious) return "";
  return ", " + std::to_string(state_->lost_in_a_row) +
         " times in a row soon after connecting. Perhaps the session was taken over: " + advice;
}

bool Keeper::establish(Connection& connection) {
  const int version = state_->version;
  const bool may_fall_back = options_.version == Version::automatic;
  try {
    paho::connect_options connect;
    fill(connect, options_, version, kConnectLimit);
    const auto token = connection.client().connect(connect);
    if (!wait_for(token, kConnectLimit + 1s, [this] { return state_->stopping(); })) {
      if (!state_->stopping()) report_failure("no answer from " + place_of(options_));
      return false;
    }
    state_->session_present = token->get_connect_response().is_session_present();
  } catch (const paho::exception& error) {
    const int code = error.get_return_code() > 0 ? error.get_return_code() : static_cast<int>(error.get_reason_code());
    if (error.get_return_code() > 0 || code >= kFirstFailure) {
      if (version == MQTTVERSION_5 && may_fall_back &&
          (code == kUnacceptableProtocolVersion || code == kUnsupportedProtocolVersion)) {
        state_->version = MQTTVERSION_3_1_1;
        report_failure(place_of(options_) + " does not speak MQTT 5; going on with 3.1.1");
      } else {
        report_failure(place_of(options_) + " refused the connection: " + refusal_text(code));
      }
      return false;
    }
    const std::string why = why_unreachable(endpoint_of(options_), std::chrono::milliseconds(kProbeLimit));
    // Reachable, and yet no CONNACK: some brokers close the connection on a version they do not know.
    if (why.empty() && may_fall_back) state_->version = version == MQTTVERSION_5 ? MQTTVERSION_3_1_1 : MQTTVERSION_5;
    report_failure("cannot connect to " + place_of(options_) + ": " +
                   (why.empty() ? "the broker closed the connection without an answer" : why));
    return false;
  }
  return true;
}

void Keeper::report_connected() {
  if (std::exchange(state_->told_connected, true)) return;
  report({.what = LinkReport::What::connected,
          .text = "",
          .protocol = state_->version == MQTTVERSION_5 ? "5" : "3.1.1",
          .session_present = state_->session_present,
          .lost_in_a_row = state_->lost_in_a_row});
}

// After every connect, also when the broker has kept the session: the configuration may have changed since. False: no
// answer. Lost or stopped meanwhile, that is for the caller to see.
bool Keeper::subscribe(Connection& connection) {
  const auto& wanted = options_.subscriptions;
  const auto give_up = [this] {
    const std::lock_guard lock(state_->mutex);
    return state_->stop || state_->lost;
  };
  for (std::size_t begin = 0; begin < wanted.size(); begin += kFiltersPerPacket) {
    const std::size_t end = std::min(begin + kFiltersPerPacket, wanted.size());
    const auto filters = std::make_shared<paho::string_collection>();
    std::vector<int> requested;
    for (std::size_t i = begin; i < end; ++i) {
      filters->push_back(wanted[i].filter);
      // Over 3.1.1 Paho acknowledges a QoS 2 message before it shows it to us, and forgets it in a crash.
      requested.push_back(state_->version == MQTTVERSION_5 ? wanted[i].qos : std::min(wanted[i].qos, 1));
    }
    std::vector<int> granted;
    paho::token_ptr token;
    try {
      token = connection.client().subscribe(filters, requested);
      // mosquitto 2.0.11 sends all that it has kept for us before the answer, whatever receive_maximum says.
      const auto messages = [this] {
        if (state_->heard) report_connected();
        return state_->messages.load();
      };
      if (!wait_for(token, kSubscribeLimit + options_.keep_alive, give_up, messages)) {
        if (give_up()) return true;
        report_failure(place_of(options_) + " does not answer a subscription");
        return false;
      }
      const paho::subscribe_response response = token->get_subscribe_response();
      for (const auto code : response.get_reason_codes()) granted.push_back(static_cast<int>(code));
    } catch (const paho::exception& error) {
      if (give_up()) return true;  // the connection was gone: nobody has refused anything
      if (!token) {                // so it was if nothing went out, though that is not told yet
        report_failure(place_of(options_) + ": cannot subscribe: " + error.what());
        return false;
      }
      granted.assign(end - begin, std::max<int>(error.get_return_code(), kFirstFailure));
    }
    report_grants(begin, requested, granted);
  }
  if (!give_up()) report_connected();
  return true;
}

void Keeper::report_grants(std::size_t first, const std::vector<int>& requested, const std::vector<int>& granted) {
  const auto warn = [this](std::string text) { report({.what = LinkReport::What::warning, .text = std::move(text)}); };
  for (std::size_t i = 0; i < std::min(granted.size(), requested.size()); ++i) {
    const Subscription& subscription = options_.subscriptions[first + i];
    if (requested[i] < subscription.qos) {
      warn(subscription.filter + ": QoS 2 is not safe over MQTT 3.1.1, subscribed with QoS 1");
    }
    if (granted[i] >= kFirstFailure) {
      warn("the broker refuses the subscription to " + subscription.filter + ": " + refusal_text(granted[i]) +
           "; check the access rights of this user");
    } else if (granted[i] < requested[i]) {
      warn(subscription.filter + ": the broker grants QoS " + std::to_string(granted[i]) + " only");
    }
  }
}

void Keeper::pause() {
  std::unique_lock lock(state_->mutex);
  if (state_->stop) return;
  const bool abandoned = state_->abandoned;
  state_->changed.wait_for(lock, state_->backoff.next(), [&] { return state_->stop; });
  lock.unlock();
  // A message that is still on its way to the store is not asked for again before it has arrived there.
  while (abandoned && !state_->stopping() && !handover_->wait_settled(kStep)) {
  }
}

void Keeper::report_failure(const std::string& text) {
  report({.what = LinkReport::What::disconnected, .text = text, .lost_in_a_row = state_->lost_in_a_row});
}

}  // namespace carbongate::mqtt

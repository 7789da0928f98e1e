#include "drivers/mqtt/mqtt_driver.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <map>
#include <utility>

#include "drivers/api/silence.h"
#include "protocols/io/event.h"
#include "protocols/io/task_group.h"

namespace carbongate::mqtt_driver {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kBatchReadings = 4096;  // a longer burst goes to the inbox in several batches
constexpr std::size_t kUnclaimedLoggedMax = 100;
constexpr std::size_t kFrames = 8;  // kept of each device to be shown: there may be thousands behind a broker
constexpr std::size_t kFrameBytes = 512;
constexpr auto kProblemLogEvery = 10min;

std::function<void(bool)> settle_all(std::vector<std::shared_ptr<mqtt::Receipt>> receipts) {
  if (receipts.empty()) return {};
  return [receipts = std::move(receipts)](bool committed) {
    for (const auto& receipt : receipts) receipt->settle(committed);
  };
}

}  // namespace

MqttDriver::MqttDriver(std::vector<std::unique_ptr<MqttPlan>> plans, DriverContext context, SessionFactory make_session)
    : plans_(std::move(plans)), context_(std::move(context)), make_session_(std::move(make_session)), router_(plans_) {
  for (const auto& plan : plans_) {
    first_device_.push_back(devices_.size());
    for (std::size_t m = 0; m < plan->members.size(); ++m) {
      devices_.push_back({.id = plan->members[m].id,
                          .plan = plan.get(),
                          .member = m,
                          .since = context_.clock.now(),
                          .heard = std::nullopt,
                          .problem = {},
                          .problems_logged = LogGate(kProblemLogEvery),
                          .frames = FrameLog(kFrames, kFrameBytes)});
    }
  }
}

bool MqttDriver::wanted(const Device& device, const std::vector<std::string>& ids) const {
  if (ids.empty()) return true;
  return std::ranges::find(ids, device.id) != ids.end() || std::ranges::find(ids, device.plan->id()) != ids.end();
}

mqtt::SessionOptions MqttDriver::session_options(const std::vector<std::string>& devices) const {
  mqtt::SessionOptions options = plans_.front()->session;
  std::map<std::string, int> filters;  // each once, with the highest QoS that a device asks for
  for (const Device& device : devices_) {
    if (!wanted(device, devices)) continue;
    int& qos = filters[device.plan->filter];
    qos = std::max(qos, device.plan->qos);
  }
  for (const auto& [filter, qos] : filters) options.subscriptions.push_back({.filter = filter, .qos = qos});
  return options;
}

asio::awaitable<void> MqttDriver::run(Inbox& inbox) {
  session_ = make_session_(session_options({}));
  const mqtt::Session::Handler handler = [this, &inbox](std::vector<mqtt::Message> messages) {
    return hand_over(std::move(messages), inbox);
  };
  co_await session_->run(handler);
}

// What comes again if it is not committed, and what does not, are batches of their own: of one that is given up it can
// be said which it was.
asio::awaitable<void> MqttDriver::hand_over(std::vector<mqtt::Message> messages, Inbox& inbox) {
  auto message = messages.begin();
  while (message != messages.end()) {
    Batch batch;
    batch.source = "mqtt " + plans_.front()->broker;
    batch.received = context_.clock.now();
    std::vector<std::shared_ptr<mqtt::Receipt>> receipts;
    const bool have_receipts = message->receipt != nullptr;
    for (; message != messages.end() && batch.readings.size() < kBatchReadings; ++message) {
      if ((message->receipt != nullptr) != have_receipts) break;
      read(*message, true, batch.readings);
      if (message->receipt) receipts.push_back(std::move(message->receipt));
    }
    batch.settled = settle_all(std::move(receipts));
    if (batch.readings.empty() && !batch.settled) continue;
    if (!co_await inbox.push(std::move(batch))) co_return;  // closed: what is left stays with the broker
  }
}

// A message that cannot be read is counted, logged and acknowledged all the same: held back, it would come again for
// ever.
void MqttDriver::read(const mqtt::Message& message, bool live, std::vector<Reading>& readings) {
  const Router::Route route = router_.find(message.topic);
  if (route.targets.empty()) return note_unclaimed(message, route.undeclared);
  for (const Target target : route.targets) {
    Device& to = device(target);
    // Sent because we subscribed, and of unknown age: as a reading of now it would hide that the device is silent.
    if (live && message.retained && !json_payload::is_stamped(to.plan->map)) continue;
    ++to.messages;
    read(message, to, readings);
  }
}

void MqttDriver::read(const mqtt::Message& message, Device& from, std::vector<Reading>& readings) {
  Frame& frame = from.frames.add_text(message.arrived, Frame::Direction::received, message.payload);
  frame.about = message.topic;
  frame.bytes_whole = message.payload_bytes;
  if (message.payload_bytes > message.payload.size()) {
    return note_problem(from, message.topic,
                        "the payload has " + std::to_string(message.payload_bytes) + " bytes, more than payload_max (" +
                            std::to_string(from.plan->session.payload_max) + ")");
  }
  Decoded decoded;
  try {
    decoded = json_payload::decode(from.plan->map, message.payload, message.arrived);
  } catch (const std::exception& error) {
    decoded.problems.emplace_back(error.what());
  }
  for (const Sample& sample : decoded.samples) {
    const Point& point = from.plan->points()[from.plan->point_index(from.member, sample.point)];
    readings.push_back({.point = point.id,
                        .availability = sample.availability,
                        .stamped_by = sample.stamped_by,
                        .hj212_flag = sample.hj212_flag,
                        .at = sample.at,
                        .value = sample.value});
  }
  if (!decoded.samples.empty()) {
    const bool was_silent = !from.heard || message.arrived - *from.heard > patience_with(from);
    if (was_silent) from.since = message.arrived;
    from.heard = message.arrived;
    from.problem.clear();
  } else if (decoded.problems.empty()) {
    ++from.empty;
  }
  if (!decoded.problems.empty()) {
    std::string all = std::move(decoded.problems.front());
    for (std::size_t i = 1; i < decoded.problems.size(); ++i) all += "; " + decoded.problems[i];
    note_problem(from, message.topic, std::move(all));
  }
}

void MqttDriver::note_problem(Device& from, const std::string& topic, std::string problem) {
  ++from.errors;
  from.frames.newest().trouble = problem;
  if (const auto suffix = from.problems_logged.pass(context_.clock.ticks())) {
    spdlog::warn("mqtt {}: {}: {}: {}{}", plans_.front()->broker, from.id, topic, problem, *suffix);
  }
  from.problem = std::move(problem);
}

void MqttDriver::note_unclaimed(const mqtt::Message& message, std::string_view undeclared) {
  ++unclaimed_;
  const std::string_view key = undeclared.empty() ? std::string_view(message.topic) : undeclared;
  if (unclaimed_logged_.size() >= kUnclaimedLoggedMax || unclaimed_logged_.contains(key)) return;
  unclaimed_logged_.emplace(key);
  if (undeclared.empty()) {
    spdlog::warn(
        "mqtt {}: {}: no device has this topic; the broker still keeps a subscription of an earlier configuration",
        plans_.front()->broker, message.topic);
  } else {
    spdlog::warn("mqtt {}: {}: the device '{}' is not in the list `devices` of any topic; its messages are not counted",
                 plans_.front()->broker, message.topic, undeclared);
  }
  if (unclaimed_logged_.size() == kUnclaimedLoggedMax) {
    spdlog::warn("mqtt {}: {} topics without a device; further ones are counted, not logged", plans_.front()->broker,
                 kUnclaimedLoggedMax);
  }
}

asio::awaitable<std::vector<Reading>> MqttDriver::read_once(std::vector<std::string> devices, Duration patience) {
  mqtt::SessionOptions options = session_options(devices);
  options.client_id += "-read-" + std::to_string(::getpid());
  options.clean_start = true;
  options.session_expiry = 0s;
  session_ = make_session_(std::move(options));

  std::map<std::size_t, Reading> latest;  // by the point's place in the site
  std::size_t missing = 0;
  for (const Device& device : devices_) missing += wanted(device, devices) ? 1 : 0;
  io::Event heard(context_.executor);
  const auto take = [&](std::vector<mqtt::Message> messages) -> asio::awaitable<void> {
    std::vector<Reading> readings;
    for (const mqtt::Message& message : messages) {
      read(message, false, readings);
      if (message.receipt) message.receipt->settle(true);
    }
    for (const Reading& reading : readings) latest[index(reading.point)] = reading;
    missing = static_cast<std::size_t>(std::ranges::count_if(
        devices_, [&](const Device& device) { return wanted(device, devices) && !device.heard; }));
    heard.notify_all();
    co_return;
  };

  io::TaskGroup tasks(context_.executor);
  tasks.spawn(session_->run(take));
  std::exception_ptr cancelled;
  try {
    using namespace asio::experimental::awaitable_operators;
    const io::SteadyTime deadline = context_.clock.ticks() + patience;
    while (missing > 0 && context_.clock.ticks() < deadline) {
      co_await (heard.wait() || context_.clock.sleep_until(deadline));
    }
  } catch (...) {
    cancelled = std::current_exception();
  }
  read_once_ = {.session = session_->status(), .patience = patience};
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  tasks.cancel();
  co_await tasks.join();
  if (cancelled) std::rethrow_exception(cancelled);

  std::vector<Reading> readings;
  for (const auto& [place, reading] : latest) readings.push_back(reading);
  co_return readings;
}

Duration MqttDriver::patience_with(const Device& from) const {
  return from.plan->interval == Duration{} ? Duration::max() : silence_max(from.plan->interval);
}

DeviceStatus MqttDriver::status_of(const Device& of, const mqtt::SessionStatus& session) const {
  DeviceStatus status;
  status.device = of.id;
  status.since = of.since;
  status.heard = of.heard;
  status.polls = of.messages;
  status.errors = of.errors;
  const Instant now = context_.clock.now();
  const Duration patience = patience_with(of);
  const Instant last = of.heard.value_or(of.since);
  const bool silent = patience != Duration::max() && now - last > patience;
  if (!session.connected) {
    status.state = of.heard || !session.detail.empty() ? DeviceStatus::State::offline : DeviceStatus::State::starting;
    status.since = session.since;
    status.detail =
        "broker " + plans_.front()->broker + ": " + (session.detail.empty() ? "not connected yet" : session.detail);
  } else if (silent) {
    status.state = DeviceStatus::State::offline;
    status.since = last + patience;
    status.detail = "no message on " + of.plan->filter + " for " + std::to_string(patience / 1s) + " s";
  } else if (of.heard) {
    status.state = DeviceStatus::State::online;
    status.detail = of.problem;
  } else if (!of.problem.empty()) {
    status.detail = of.problem;
  } else if (of.empty > 0) {
    status.detail = "messages come, but none of the points is in them; check the `json` pointers";
  } else if (read_once_) {
    status.detail =
        "no message arrived on " + of.plan->filter + " within " + std::to_string(read_once_->patience / 1s) + " s";
  } else {
    status.detail = "no message yet on " + of.plan->filter;
  }
  return status;
}

const FrameLog* MqttDriver::frames(std::string_view device) const {
  const auto found = std::ranges::find(devices_, device, [](const Device& one) { return std::string_view(one.id); });
  return found == devices_.end() ? nullptr : &found->frames;
}

DriverStatus MqttDriver::status() const {
  DriverStatus status;
  status.name = "mqtt " + plans_.front()->broker;
  mqtt::SessionStatus session;
  if (session_) session = read_once_ ? read_once_->session : session_->status();
  status.connected = session.connected;
  status.since = session.since;
  status.detail = session.detail;
  status.reconnects = session.reconnects;
  status.dropped = session.dropped;
  status.unclaimed = unclaimed_;
  for (const Device& device : devices_) status.devices.push_back(status_of(device, session));
  return status;
}

}  // namespace carbongate::mqtt_driver

#include "drivers/modbus/modbus_driver.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "drivers/modbus/alarm.h"
#include "protocols/io/task_group.h"

namespace carbongate::modbus_driver {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kConnectTimeout{5'000};
constexpr milliseconds kLookAtAllEvery{10'000};

std::string explain_read_error(const boost::system::error_code& error) {
  return error == asio::error::eof ? "the device closed the connection" : "connection lost: " + error.message();
}

// " (7 changes before went unsaid)", or "".
std::string more_changes(std::uint64_t unsaid) {
  return unsaid == 0 ? "" : fmt::format(" ({} changes before went unsaid)", unsaid);
}

std::string last_heard(const DeviceStatus& device, Instant now) {
  if (!device.heard) return "; never heard of";
  return fmt::format("; last heard {} s ago", (now - *device.heard) / milliseconds(1'000));
}

}  // namespace

// Carries out what the session says, one action at a time.
class ModbusDriver::Conversation {
 public:
  Conversation(ModbusDriver& driver, io::TaskGroup& tasks)
      : driver_(driver),
        session_(driver.session_),
        transport_(*driver.transport_),
        alarm_(driver.clock_, tasks, [this] { transport_.interrupt(); }),
        woken_(driver.executor_) {}

  // The session has something new to do. What is under way with the connection goes on.
  void wake() {
    if (is_reading_) transport_.interrupt();
    woken_.notify_all();
  }

  asio::awaitable<void> run(const Deliver& deliver, std::optional<Duration> patience) {
    patience_ = patience;
    renew_patience();
    for (;;) {
      if (driver_.clock_.ticks() >= give_up_at_) session_.give_up(driver_.now(), "not answered in the time given");
      const SessionFsm::Action action = session_.next(driver_.now());
      driver_.log_transitions();
      driver_.hand_out_answers();
      if (std::holds_alternative<SessionFsm::Stop>(action)) co_return;
      if (std::holds_alternative<SessionFsm::Connect>(action)) {
        co_await connect();
      } else if (std::holds_alternative<SessionFsm::Disconnect>(action)) {
        transport_.close();
      } else if (const auto* send = std::get_if<SessionFsm::Send>(&action)) {
        co_await write(*send);
      } else if (const auto* receive = std::get_if<SessionFsm::Receive>(&action)) {
        co_await read(std::min(receive->until, give_up_at_));
      } else if (const auto* wait = std::get_if<SessionFsm::Wait>(&action)) {
        co_await wait_until(std::min(wait->until, give_up_at_));
      } else if (const auto* delivery = std::get_if<SessionFsm::Deliver>(&action)) {
        co_await deliver(driver_.to_readings(*delivery));
      }
    }
  }

 private:
  asio::awaitable<void> connect() {
    alarm_.set(driver_.clock_.ticks() + kConnectTimeout);
    const modbus::Opened opened = co_await transport_.open();
    alarm_.set(io::SteadyTime::max());
    if (!opened.error) {
      session_.connected(driver_.now());
    } else if (opened.error == asio::error::operation_aborted) {
      session_.lost(driver_.now(),
                    fmt::format("cannot connect: no answer within {} s", kConnectTimeout / milliseconds(1'000)));
    } else {
      session_.lost(driver_.now(), "cannot connect: " + opened.text);
    }
  }

  asio::awaitable<void> write(SessionFsm::Send send) {
    alarm_.set(send.until);
    const boost::system::error_code error = co_await transport_.write(send.bytes);
    if (!error) co_return;
    transport_.close();  // after a request cut off, the stream makes no sense to the device
    const bool in_time = error != asio::error::operation_aborted;
    session_.lost(driver_.now(), in_time ? "cannot send: " + error.message() : "cannot send: the device takes no data");
  }

  asio::awaitable<void> read(io::SteadyTime until) {
    alarm_.set(until);
    is_reading_ = true;
    const modbus::ByteTransport::Received received = co_await transport_.read_some(buffer_);
    is_reading_ = false;
    if (!received.error) {
      session_.received(driver_.now(), std::span(buffer_).first(received.bytes));
      renew_patience();
    } else if (received.error != asio::error::operation_aborted) {
      transport_.close();
      session_.lost(driver_.now(), explain_read_error(received.error));
    }
  }

  // Not connected.
  asio::awaitable<void> wait_until(io::SteadyTime until) {
    using namespace asio::experimental::awaitable_operators;
    co_await (driver_.clock_.sleep_until(until) || woken_.wait());
  }

  void renew_patience() {
    if (patience_) give_up_at_ = driver_.clock_.ticks() + *patience_;
  }

  ModbusDriver& driver_;
  SessionFsm& session_;
  modbus::ByteTransport& transport_;
  Alarm alarm_;
  io::Event woken_;
  bool is_reading_ = false;
  std::optional<Duration> patience_;  // a line that has said nothing for so long is given up; absent: never
  io::SteadyTime give_up_at_ = io::SteadyTime::max();
  std::array<std::byte, modbus::kRtuFrameBytesMax> buffer_;
};

ModbusDriver::ModbusDriver(std::string name, std::unique_ptr<modbus::ByteTransport> transport, LineOptions options,
                           std::vector<Unit> units, asio::any_io_executor executor, io::Clock& clock)
    : name_(std::move(name)),
      transport_(std::move(transport)),
      options_(options),
      units_(std::move(units)),
      executor_(std::move(executor)),
      clock_(clock),
      session_(options_, polled_devices()),
      waiters_(executor_),
      device_logs_(units_.size()) {}

asio::awaitable<void> ModbusDriver::run(Inbox& inbox) {
  quiet_ = false;
  if (session_.is_connected()) session_.lost(now(), "started again");
  const Deliver deliver = [this, &inbox](std::vector<Reading> readings) -> asio::awaitable<void> {
    Batch batch{.source = name_, .received = clock_.now(), .readings = std::move(readings), .settled = {}};
    const bool open = co_await inbox.push(std::move(batch));
    // The gateway is shutting down and will cancel us; to poll on would be for nobody.
    while (!open) co_await clock_.sleep_until(clock_.ticks() + milliseconds(60'000));
  };
  co_await converse(deliver, std::nullopt);
}

asio::awaitable<std::vector<Reading>> ModbusDriver::read_once(std::vector<std::string> devices, Duration patience) {
  std::vector<std::size_t> only;
  for (std::size_t i = 0; i < units_.size(); ++i) {
    const bool wanted = devices.empty() || std::ranges::find(devices, units_[i].device.id) != devices.end();
    if (wanted) only.push_back(i);
  }
  std::vector<Reading> readings;
  if (only.empty()) co_return readings;
  quiet_ = true;  // whoever asks gets the answer, and needs no log
  LineOptions options = options_;
  options.once = true;
  session_ = SessionFsm(options, polled_devices(), only);
  const Deliver deliver = [&readings](std::vector<Reading> more) -> asio::awaitable<void> {
    readings.insert(readings.end(), more.begin(), more.end());
    co_return;
  };
  co_await converse(deliver, patience);
  co_return readings;
}

asio::awaitable<void> ModbusDriver::converse(Deliver deliver, std::optional<Duration> patience) {
  io::TaskGroup tasks(executor_);
  Conversation conversation(*this, tasks);
  std::exception_ptr ended_by;
  conversation_ = &conversation;
  try {
    co_await conversation.run(deliver, patience);
  } catch (...) {
    ended_by = std::current_exception();
  }
  conversation_ = nullptr;
  waiters_.give_up("the connection is being given up");
  // Also when cancelled: nothing is left running behind.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  transport_->close();
  tasks.cancel();
  co_await tasks.join();
  if (ended_by) std::rethrow_exception(ended_by);
}

DriverStatus ModbusDriver::status() const {
  return {.name = name_,
          .connected = session_.is_connected(),
          .since = session_.connected_since(),
          .detail = session_.link_detail(),
          .reconnects = session_.reconnects(),
          .late_answers = session_.late_answers(),
          .noise_bytes = session_.noise_bytes(),
          .busy = session_.line_use(clock_.ticks()),
          .devices = session_.statuses()};
}

const FrameLog* ModbusDriver::frames(std::string_view device) const {
  const auto place = find(device);
  return place ? &session_.frames(*place) : nullptr;
}

asio::awaitable<PollAnswer> ModbusDriver::poll(std::string device) {
  const auto place = find(device);
  if (!place) co_return PollAnswer{.readings = {}, .trouble = "no device of this connection"};
  if (conversation_ == nullptr) co_return PollAnswer{.readings = {}, .trouble = "the connection is not in use yet"};
  session_.ask(*place, now());
  conversation_->wake();
  co_return co_await waiters_.wait(*place);
}

std::optional<std::size_t> ModbusDriver::find(std::string_view device) const {
  const auto found =
      std::ranges::find(units_, device, [](const Unit& unit) { return std::string_view(unit.device.id); });
  if (found == units_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - units_.begin());
}

void ModbusDriver::hand_out_answers() {
  for (const SessionFsm::Answered& one : session_.take_answered()) {
    waiters_.answer(one.delivery.device, {.readings = to_readings(one.delivery), .trouble = one.trouble});
  }
}

std::vector<PolledDevice> ModbusDriver::polled_devices() const {
  std::vector<PolledDevice> devices;
  for (const Unit& unit : units_) devices.push_back(unit.device);
  return devices;
}

std::vector<Reading> ModbusDriver::to_readings(const SessionFsm::Deliver& delivery) const {
  std::vector<Reading> readings;
  readings.reserve(delivery.values.size());
  const std::vector<PointId>& points = units_[delivery.device].points;
  for (const FieldValue& field : delivery.values) {
    readings.push_back({.point = points[field.field],
                        .availability = field.value.availability,
                        .stamped_by = StampedBy::gateway,
                        .at = field.at,
                        .value = field.value.number});
  }
  return readings;
}

void ModbusDriver::log_transitions() {
  if (quiet_) return;
  const io::SteadyTime ticks = clock_.ticks();
  log_link();
  if (ticks - all_logged_at_ >= kLookAtAllEvery) {  // what was held back while it flapped
    all_logged_at_ = ticks;
    session_.take_touched();
    for (std::size_t i = 0; i < units_.size(); ++i) log_device(i);
  } else {
    for (const std::size_t i : session_.take_touched()) log_device(i);
  }
}

void ModbusDriver::log_link() {
  if (session_.is_resting()) return;
  const bool up = session_.is_connected();
  if (!up && session_.link_detail().empty()) return;  // not tried yet
  const std::string state = up ? "connected" : session_.link_detail();
  const auto unsaid = link_log_.update(state, clock_.ticks());
  if (!unsaid) return;
  const auto level = up ? spdlog::level::info : spdlog::level::warn;
  spdlog::log(level, "{}: {}{}{}", name_, state, up ? "" : "; trying again, with pauses of up to 30 s",
              more_changes(*unsaid));
}

void ModbusDriver::log_device(std::size_t index) {
  const DeviceStatus& device = session_.statuses()[index];
  if (device.state == DeviceStatus::State::starting) return;
  const bool online = device.state == DeviceStatus::State::online;
  std::string state = online ? "online" : "offline";
  if (!device.detail.empty()) state += (online ? ", but " : ": ") + device.detail;
  const auto unsaid = device_logs_[index].update(state, clock_.ticks());
  if (!unsaid) return;
  const auto level = online && device.detail.empty() ? spdlog::level::info : spdlog::level::warn;
  spdlog::log(level, "{} (unit {} of {}): {}{}{}", device.device, units_[index].device.unit, name_, state,
              online ? "" : last_heard(device, clock_.now()), more_changes(*unsaid));
}

}  // namespace carbongate::modbus_driver

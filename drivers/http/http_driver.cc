#include "drivers/http/http_driver.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <chrono>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include "config/reader/text.h"
#include "drivers/http/frame_text.h"

namespace carbongate::http_driver {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kBatchReadings = 4096;  // a longer list goes to the inbox in several batches
constexpr std::size_t kDetailMax = 1'000;     // bytes of what is said of an answer
constexpr std::size_t kFrames = 8;            // kept to be shown: four questions and their answers
constexpr std::size_t kFrameBytes = 2'048;    // of each
constexpr Duration kKeptOpen = 30s;           // between polls; a connection idle for longer may be lost unnoticed

bool is_set(const std::vector<Header>& headers, std::string_view name) {
  return std::ranges::any_of(headers, [&](const Header& header) { return is_same_name(header.name, name); });
}

}  // namespace

HttpDriver::HttpDriver(std::unique_ptr<HttpPlan> plan, DriverContext context, Schedule schedule)
    : plan_(std::move(plan)),
      context_(std::move(context)),
      schedule_(std::move(schedule)),
      name_("http " + plan_->id()),
      authorization_(http::authorization(plan_->endpoint, "Bearer")),
      client_(context_.executor, plan_->endpoint.server,
              {.timeout = plan_->timeout, .response_bytes_max = plan_->body_max}),
      woken_(context_.executor),
      waiters_(context_.executor),
      frames_(kFrames, kFrameBytes),
      secrets_(secrets_of(*plan_)) {
  device_.device = plan_->id();
  device_.since = context_.clock.now();
  link_.name = name_;
  link_.since = device_.since;
}

asio::awaitable<void> HttpDriver::run(Inbox& inbox) {
  quiet_ = false;
  validators_ = {};  // started again, what was heard last may not have been handed over
  repeats_ = {};
  struct Running {
    HttpDriver& driver;
    explicit Running(HttpDriver& d) : driver(d) { driver.is_running_ = true; }
    ~Running() {
      driver.is_running_ = driver.is_asked_ = driver.is_serving_ = false;
      driver.waiters_.give_up("the driver has ended");
    }
  } const running(*this);
  io::SteadyTime due = context_.clock.ticks() + schedule_.at_start();
  for (;;) {
    co_await rest(due);
    const io::SteadyTime began = context_.clock.ticks();
    const bool is_extra = began < due;
    const bool was_trouble = device_.state == DeviceStatus::State::offline;
    is_serving_ = std::exchange(is_asked_, false);
    if (is_serving_) validators_ = {};  // who asks wants to see what there is, changed or not
    Answer answer = co_await ask();
    note(answer);
    if (std::exchange(is_serving_, false)) {
      waiters_.answer(0, {.readings = to_readings(answer.samples), .trouble = device_.detail});
    }
    if (answer.good && !answer.unchanged) repeats_.remove(answer.samples);
    const bool open = co_await hand_over(to_readings(answer.samples), inbox);
    // The gateway is shutting down and will cancel us; to poll on would be for nobody.
    while (!open) co_await context_.clock.sleep_until(context_.clock.ticks() + 60s);
    if (is_extra && !(answer.good && was_trouble)) continue;  // the usual polls keep their times
    const io::SteadyTime ticks = context_.clock.ticks();
    const Instant now = context_.clock.now();
    const Schedule::Next next = answer.good
                                    ? schedule_.after_answer(now, ticks - began)
                                    : schedule_.after_trouble(now, ticks - began, answer.lasting, answer.retry_after);
    device_.skipped += next.skipped;
    due = ticks + next.wait;
  }
}

// Until then, or until somebody asks.
asio::awaitable<void> HttpDriver::rest(io::SteadyTime until) {
  using namespace asio::experimental::awaitable_operators;
  while (!is_asked_ && context_.clock.ticks() < until) {
    co_await (context_.clock.sleep_until(until) || woken_.wait());
  }
}

asio::awaitable<PollAnswer> HttpDriver::poll(std::string device) {
  if (device != plan_->id()) co_return PollAnswer{.readings = {}, .trouble = "no device of this driver"};
  if (!is_running_) co_return PollAnswer{.readings = {}, .trouble = "the driver is not running yet"};
  if (!is_serving_) {
    is_asked_ = true;
    woken_.notify_all();
  }
  co_return co_await waiters_.wait(0);
}

asio::awaitable<std::vector<Reading>> HttpDriver::read_once(std::vector<std::string> devices, Duration patience) {
  using namespace asio::experimental::awaitable_operators;
  std::vector<Reading> readings;
  if (!devices.empty() && std::ranges::find(devices, plan_->id()) == devices.end()) co_return readings;
  quiet_ = true;
  validators_ = {};
  const io::SteadyTime give_up = context_.clock.ticks() + patience;
  std::variant<Answer, std::monostate> first = co_await (ask() || context_.clock.sleep_until(give_up));
  Answer answer;
  if (Answer* heard = std::get_if<Answer>(&first)) {
    answer = std::move(*heard);
  } else {
    answer.detail = fmt::format("no answer within {} s", std::chrono::duration<double>(patience).count());
  }
  note(answer);
  readings = to_readings(answer.samples);
  co_return readings;
}

asio::awaitable<Answer> HttpDriver::ask() {
  ++device_.polls;
  const bool conditional = !validators_.empty();
  const io::SteadyTime sent = context_.clock.ticks();
  frames_.add_text(context_.clock.now(), Frame::Direction::sent, request_text(*plan_));
  const io::HttpResult<io::HttpResponse> response = co_await client_.get(make_request());
  received_ = context_.clock.now();
  const Duration took = context_.clock.ticks() - sent;
  Answer answer =
      response ? judge(*response, plan_->map, plan_->body_max, received_, conditional) : no_answer(response.error());
  note_frame(response, took, answer.detail);
  if (!response) co_return answer;
  if (answer.good) device_.round_trip = context_.clock.ticks() - sent;
  keep_validators(*response, answer);
  co_return answer;
}

void HttpDriver::note_frame(const io::HttpResult<io::HttpResponse>& response, Duration took,
                            const std::string& trouble) {
  const auto keep = [&]() -> Frame& {
    if (!response) return frames_.add(received_, Frame::Direction::missing);
    const std::string text = response_text(*response, secrets_, kFrameBytes);
    Frame& frame = frames_.add_text(received_, Frame::Direction::received, text);
    frame.bytes_whole = std::max(frame.bytes_whole, response->body.size());
    frame.took = took;
    return frame;
  };
  keep().trouble = config::printable(trouble, kDetailMax);
}

io::HttpRequest HttpDriver::make_request() const {
  io::HttpRequest request{.target = plan_->endpoint.target, .headers = {}, .body = {}};
  if (!is_set(plan_->headers, "Accept")) request.headers.push_back({"Accept", "application/json"});
  if (!authorization_.empty()) request.headers.push_back({"Authorization", authorization_});
  if (plan_->interval > kKeptOpen) request.headers.push_back({"Connection", "close"});
  if (!validators_.etag.empty()) request.headers.push_back({"If-None-Match", validators_.etag});
  if (!validators_.last_modified.empty()) {
    request.headers.push_back({"If-Modified-Since", validators_.last_modified});
  }
  for (const Header& header : plan_->headers) request.headers.push_back({header.name, header.value.reveal()});
  return request;
}

// Where values are stamped on arrival, one that has not changed is a reading all the same, and must be sent. An answer
// that could not be read in full is to come again, for the sake of what is said of it.
void HttpDriver::keep_validators(const io::HttpResponse& response, const Answer& answer) {
  if (!answer.good || answer.unchanged) return;
  validators_ = {};
  if (!answer.detail.empty() || !json_payload::is_stamped(plan_->map)) return;
  validators_.etag = response.header("ETag");
  validators_.last_modified = response.header("Last-Modified");
}

void HttpDriver::note(const Answer& answer) {
  const Instant now = context_.clock.now();
  const auto state = answer.good ? DeviceStatus::State::online : DeviceStatus::State::offline;
  if (state != device_.state) {
    if (answer.good && device_.state == DeviceStatus::State::offline) ++link_.reconnects;
    device_.state = state;
    device_.since = now;
    link_.since = now;
  }
  device_.detail = config::printable(answer.detail, kDetailMax);
  if (!answer.detail.empty()) ++device_.errors;
  if (answer.good) device_.heard = received_;
  link_.connected = answer.good;
  link_.detail = answer.good ? "" : device_.detail;
  log_state();
}

void HttpDriver::log_state() {
  if (quiet_) return;
  const bool online = device_.state == DeviceStatus::State::online;
  std::string state = online ? "online" : "offline";
  if (!device_.detail.empty()) state += (online ? ", but " : ": ") + device_.detail;
  const auto unsaid = log_.update(state, context_.clock.ticks());
  if (!unsaid) return;
  const std::string more = *unsaid == 0 ? "" : fmt::format(" ({} changes before went unsaid)", *unsaid);
  const auto level = online && device_.detail.empty() ? spdlog::level::info : spdlog::level::warn;
  spdlog::log(level, "{} ({}): {}{}", name_, plan_->endpoint.where, state, more);
}

std::vector<Reading> HttpDriver::to_readings(const std::vector<Sample>& samples) const {
  std::vector<Reading> readings;
  readings.reserve(samples.size());
  for (const Sample& sample : samples) {
    readings.push_back({.point = plan_->points()[sample.point].id,
                        .availability = sample.availability,
                        .stamped_by = sample.stamped_by,
                        .hj212_flag = sample.hj212_flag,
                        .at = sample.at,
                        .value = sample.value});
  }
  return readings;
}

// False: the inbox is closed.
asio::awaitable<bool> HttpDriver::hand_over(std::vector<Reading> readings, Inbox& inbox) {
  for (std::size_t from = 0; from < readings.size(); from += kBatchReadings) {
    const std::span<const Reading> some =
        std::span(readings).subspan(from, std::min(kBatchReadings, readings.size() - from));
    Batch batch{.source = name_, .received = received_, .readings = {some.begin(), some.end()}, .settled = {}};
    const bool open = co_await inbox.push(std::move(batch));
    if (!open) co_return false;
  }
  co_return true;
}

const FrameLog* HttpDriver::frames(std::string_view device) const {
  return device == plan_->id() ? &frames_ : nullptr;
}

DriverStatus HttpDriver::status() const {
  DriverStatus status = link_;
  status.devices.push_back(device_);
  return status;
}

}  // namespace carbongate::http_driver

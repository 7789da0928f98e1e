#include "drivers/hj212/hj212_driver.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <deque>
#include <map>
#include <utility>
#include <variant>

#include "config/reader/text.h"
#include "drivers/api/silence.h"
#include "drivers/hj212/answer.h"
#include "drivers/hj212/shown_packet.h"

namespace carbongate::hj212_driver {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr auto kLogEvery = 10min;
constexpr auto kDeviationsEvery = 24h;  // a logger that has some has them always
constexpr std::size_t kMnShown = 40;
constexpr std::size_t kFrames = 16;  // kept of each device to be shown
constexpr std::size_t kFrameBytes = hj212::kSegmentBytesMax + hj212::kFrameBytesAround;

tcp::endpoint endpoint_of(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  std::string host = listen.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  std::from_chars(listen.data() + colon + 1, listen.data() + listen.size(), port);
  return {asio::ip::make_address(host), port};
}

std::string to_text(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", host, endpoint.port())
                                    : fmt::format("{}:{}", host, endpoint.port());
}

// Whose connections are counted together: of IPv6 a network, for one machine has as many addresses as it likes.
std::string holder_of(asio::ip::address address) {
  if (!address.is_v6()) return address.to_string();
  if (address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return asio::ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace

struct Hj212Driver::Connection {
  Connection(tcp::socket s, std::size_t segment_max)
      : socket(std::move(s)), reader(segment_max), changed(socket.get_executor()) {}

  struct Answer {
    std::string bytes;
    std::string mn;
    std::string shown;  // as people see it
  };

  tcp::socket socket;
  std::string peer;
  std::string holder;  // as of_address_ has it
  hj212::FrameReader reader;
  std::deque<Answer> answers;
  std::size_t owed = 0;      // packets whose readings are not on disk yet, and are to be answered then
  io::Event changed;         // there are more answers, or fewer
  io::SteadyTime good_at{};  // when it was accepted, or its last packet of a device of ours came
  bool is_known = false;     // it has sent one
};

Hj212Driver::Hj212Driver(std::vector<std::unique_ptr<Hj212Plan>> plans, DriverContext context)
    : context_(std::move(context)),
      name_("hj212 " + plans.front()->listen),
      moves_logged_(kLogEvery),
      strangers_logged_(kLogEvery) {
  const Instant now = context_.clock.now();
  for (auto& plan : plans) {
    segment_max_ = std::max(segment_max_, plan->segment_max);
    per_address_ = std::max(per_address_, plan->connections_per_address);
    devices_.push_back({.plan = std::move(plan),
                        .since = now,
                        .heard = {},
                        .problem = {},
                        .problems_logged = LogGates(kLogEvery),
                        .deviations_logged = LogGate(kDeviationsEvery),
                        .frames = FrameLog(kFrames, kFrameBytes)});
  }
  if (per_address_ == 0) per_address_ = address_connections_max(devices_.size());
  link_.name = name_;
  link_.since = now;
}

asio::awaitable<void> Hj212Driver::run(Inbox& inbox) {
  const HandOver hand_over = [&inbox](Batch batch) { return inbox.push(std::move(batch)); };
  co_await serve(hand_over);
}

asio::awaitable<std::vector<Reading>> Hj212Driver::read_once(std::vector<std::string> devices, Duration patience) {
  std::map<std::size_t, Reading> latest;  // by the point's place in the site
  io::Event heard(context_.executor);
  const HandOver hand_over = [&](Batch batch) -> asio::awaitable<bool> {
    for (const Reading& reading : batch.readings) latest[index(reading.point)] = reading;
    if (batch.settled) batch.settled(false);  // it is not kept: the logger may send it again
    heard.notify_all();
    co_return true;
  };
  const auto is_missing = [&](const Device& device) {
    const bool wanted = devices.empty() || std::ranges::find(devices, device.plan->id()) != devices.end();
    return wanted && !device.heard;
  };
  const io::SteadyTime deadline = context_.clock.ticks() + patience;
  const auto wait = [&]() -> asio::awaitable<void> {
    while (std::ranges::any_of(devices_, is_missing)) co_await heard.wait();
  };
  co_await (serve(hand_over) || wait() || context_.clock.sleep_until(deadline));
  std::vector<Reading> readings;
  for (const auto& [place, reading] : latest) readings.push_back(reading);
  co_return readings;
}

// Until it is cancelled. A port that cannot be had is tried again.
asio::awaitable<void> Hj212Driver::serve(const HandOver& hand_over) {
  io::TaskGroup tasks(context_.executor);
  std::exception_ptr ended;
  try {
    for (;;) {
      boost::system::error_code error;
      tcp::acceptor acceptor(context_.executor);
      const tcp::endpoint at = endpoint_of(devices_.front().plan->listen);
      acceptor.open(at.protocol(), error);
      if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
      if (!error && at.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
      if (!error) acceptor.bind(at, error);
      if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
      is_listening_ = !error;
      if (!error) {
        link_.detail.clear();
        spdlog::info("{}: listening", name_);
        co_await accept(acceptor, hand_over, tasks);
      }
      if (link_.detail.empty()) {
        link_.since = context_.clock.now();
        spdlog::warn("{}: cannot listen: {}; trying again", name_, error.message());
      }
      link_.detail = "cannot listen: " + error.message();
      co_await context_.clock.sleep_until(context_.clock.ticks() + kListenAgain);
    }
  } catch (...) {
    ended = std::current_exception();
  }
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  tasks.cancel();
  co_await tasks.join();
  is_listening_ = false;
  look_at_connections();
  std::rethrow_exception(ended);
}

asio::awaitable<void> Hj212Driver::accept(tcp::acceptor& acceptor, const HandOver& hand_over, io::TaskGroup& tasks) {
  for (;;) {
    boost::system::error_code error;
    tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      throw boost::system::system_error(asio::error::operation_aborted);
    }
    if (error) {  // out of file descriptors, or gone before we looked
      co_await context_.clock.sleep_until(context_.clock.ticks() + 1s);
      continue;
    }
    auto connection = std::make_shared<Connection>(std::move(socket), segment_max_);
    const tcp::endpoint peer = connection->socket.remote_endpoint(error);
    if (error) continue;  // it is gone
    connection->peer = to_text(peer);
    connection->holder = holder_of(peer.address());
    if (is_refused(*connection)) continue;
    connection->socket.set_option(asio::socket_base::keep_alive(true), error);
    connection->good_at = context_.clock.ticks();
    ++connections_;
    ++of_address_[connection->holder];
    tasks.spawn(converse(connection, hand_over), [this, holder = connection->holder](const std::exception_ptr&) {
      --connections_;
      if (--of_address_[holder] == 0) of_address_.erase(holder);
    });
  }
}

bool Hj212Driver::is_refused(const Connection& connection) {
  const auto known = of_address_.find(connection.holder);
  const bool is_too_many_of_one = known != of_address_.end() && known->second >= per_address_;
  if (!is_too_many_of_one && connections_ < kConnectionsMax) return false;
  ++link_.dropped;
  warn(connection.peer, is_too_many_of_one ? fmt::format("refused: of {} {} connections are open; {} refused so far",
                                                         connection.holder, known->second, link_.dropped)
                                           : fmt::format("refused: {} connections are open; {} refused so far",
                                                         connections_, link_.dropped));
  return true;
}

asio::awaitable<void> Hj212Driver::converse(std::shared_ptr<Connection> connection, const HandOver& hand_over) {
  spdlog::debug("{}: {} has connected", name_, connection->peer);
  co_await (read_packets(connection, hand_over) || write_answers(connection));
  boost::system::error_code ignored;
  connection->socket.close(ignored);
  std::erase_if(connection_of_, [&](const auto& known) { return known.second.lock() == connection; });
  look_at_connections();
}

asio::awaitable<void> Hj212Driver::read_packets(std::shared_ptr<Connection> connection, const HandOver& hand_over) {
  std::array<char, 4096> bytes;
  std::size_t damages = 0;
  for (;;) {
    boost::system::error_code error;
    const auto deadline = connection->good_at + (connection->is_known ? Duration(kSilenceMax) : Duration(kStrangerMax));
    const auto got = co_await (
        connection->socket.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error)) ||
        context_.clock.sleep_until(deadline));
    if (got.index() == 1) co_return warn(connection->peer, "no packet of a device of ours for too long: closed");
    if (error) {  // it may have closed its side alone, and wait for what it is owed
      const io::SteadyTime give_up = context_.clock.ticks() + kAnswerWithin;
      const auto answered = [&]() -> asio::awaitable<void> {
        while (connection->owed > 0 || !connection->answers.empty()) co_await connection->changed.wait();
      };
      if (error == asio::error::eof) co_await (answered() || context_.clock.sleep_until(give_up));
      co_return;
    }
    std::string_view rest(bytes.data(), std::get<0>(got));
    while (!rest.empty()) {
      rest.remove_prefix(connection->reader.push(rest));
      while (const auto found = connection->reader.next()) {
        if (found->damage) {
          link_.noise_bytes += found->damage->bytes;
          warn(connection->peer, found->damage->text);
          if (++damages > kDamagesMax) co_return warn(connection->peer, "closed: what it sends is no HJ 212");
          continue;
        }
        damages = 0;
        if (!co_await take(connection, *found->frame, hand_over)) co_return;
      }
    }
  }
}

asio::awaitable<void> Hj212Driver::write_answers(std::shared_ptr<Connection> connection) {
  for (;;) {
    while (connection->answers.empty()) co_await connection->changed.wait();
    const Connection::Answer answer = connection->answers.front();
    boost::system::error_code error;
    const auto done = co_await (asio::async_write(connection->socket, asio::buffer(answer.bytes),
                                                  asio::redirect_error(asio::use_awaitable, error)) ||
                                context_.clock.sleep_until(context_.clock.ticks() + kAnswerWithin));
    if (done.index() == 1) co_return warn(connection->peer, "closed: it does not read its answers");
    if (error) co_return;
    note_frame(Frame::Direction::sent, answer.mn, answer.shown);
    connection->answers.pop_front();
    connection->changed.notify_all();
  }
}

// False: the gateway wants nothing more.
asio::awaitable<bool> Hj212Driver::take(const std::shared_ptr<Connection>& connection, const hj212::Frame& frame,
                                        const HandOver& hand_over) {
  const auto segment = hj212::parse_segment(frame.segment);
  const auto head = segment ? hj212::head_of(*segment) : segment.error();
  if (!head) {
    ++link_.unclaimed;
    warn(connection->peer, head.error().text);
    co_return true;
  }
  Batch batch{.source = name_, .received = context_.clock.now(), .readings = {}, .settled = {}};
  note_frame(Frame::Direction::received, head->mn, shown_packet(frame, *segment));
  const std::string deviations = deviations_of(frame, *head);
  bool is_ours = false;
  for (Device& device : devices_) {
    if (device.plan->mn != head->mn) continue;
    note_deviations(device, deviations);
    is_ours |= take_values(device, *head, *segment, batch);
  }
  if (!is_ours) {
    ++link_.unclaimed;
    warn(connection->peer, "MN " + head->mn.substr(0, kMnShown) + ": no device has it, or its PW is another one");
    co_return true;
  }
  note_good(connection, head->mn);
  if (const auto text = answer_to(*head)) {
    const hj212::Frame packet{.segment = to_text(*text)};
    Connection::Answer to_send{.bytes = encode(packet), .mn = head->mn, .shown = shown_packet(packet, *text)};
    while (connection->answers.size() >= kAnswersMax) co_await connection->changed.wait();
    ++connection->owed;
    batch.settled = [weak = std::weak_ptr(connection), to_send = std::move(to_send)](bool committed) {
      const auto to = weak.lock();
      if (!to) return;
      --to->owed;
      if (committed) to->answers.push_back(to_send);  // else it will be sent again
      to->changed.notify_all();
    };
  }
  if (batch.readings.empty()) {
    if (batch.settled) batch.settled(true);
    co_return true;
  }
  co_return co_await hand_over(std::move(batch));
}

// A logger has one connection: what it had before is dead, though nobody may have told us.
void Hj212Driver::note_good(const std::shared_ptr<Connection>& connection, const std::string& mn) {
  connection->good_at = context_.clock.ticks();
  connection->is_known = true;
  std::weak_ptr<Connection>& known = connection_of_[mn];
  if (const auto before = known.lock(); before && before != connection) {
    if (const auto suffix = moves_logged_.pass(context_.clock.ticks(), mn)) {
      spdlog::warn("{}: MN {} comes from {} now, and {} is closed; where this goes on, two devices have that MN{}",
                   name_, mn, connection->peer, before->peer, *suffix);
    }
    boost::system::error_code ignored;
    before->socket.close(ignored);
  }
  known = connection;
  look_at_connections();
}

bool Hj212Driver::is_open(const std::string& mn) const {
  const auto known = connection_of_.find(mn);
  return known != connection_of_.end() && !known->second.expired();
}

void Hj212Driver::look_at_connections() {
  const bool is_connected = std::ranges::any_of(devices_, [this](const Device& d) { return is_open(d.plan->mn); });
  if (link_.connected == is_connected) return;
  link_.connected = is_connected;
  link_.since = context_.clock.now();
}

// False: the password is another one.
bool Hj212Driver::take_values(Device& device, const hj212::Head& head, const hj212::Segment& segment, Batch& batch) {
  const std::string& password = device.plan->password.reveal();
  if (!password.empty() && password != head.pw) {
    device.frames.newest().trouble = "its PW is another one";
    return false;
  }
  ++device.packets;
  if (!segment.area) return true;
  Decoded decoded = decode(device.plan->map, head.cn, *segment.area, batch.received);
  for (const Sample& sample : decoded.samples) {
    batch.readings.push_back({.point = device.plan->points()[sample.point].id,
                              .availability = sample.availability,
                              .stamped_by = sample.stamped_by,
                              .hj212_flag = sample.hj212_flag,
                              .at = sample.at,
                              .value = sample.value});
  }
  if (!decoded.samples.empty()) {
    const bool was_silent = !device.heard || batch.received - *device.heard > silence_max(device.plan->interval);
    if (was_silent) {
      device.since = batch.received;
      spdlog::info("{}: {} is heard", name_, device.plan->id());
    }
    device.heard = batch.received;
    device.problem.clear();
  }
  if (!decoded.problems.empty()) {
    note_problem(device, fmt::format("{}", fmt::join(decoded.problems, "; ")));
  }
  return true;
}

void Hj212Driver::note_frame(Frame::Direction direction, const std::string& mn, const std::string& shown) {
  for (Device& device : devices_) {
    if (device.plan->mn == mn) device.frames.add_text(context_.clock.now(), direction, shown);
  }
}

// They are nothing that is wrong with the device: its values are taken.
void Hj212Driver::note_deviations(Device& device, const std::string& said) {
  if (said.empty()) return;
  device.frames.newest().trouble = "otherwise than the standard: " + config::printable(said);
  if (const auto suffix = device.deviations_logged.pass(context_.clock.ticks())) {
    spdlog::info("{}: {} sends packets otherwise than the standard, which are taken: {}{}", name_, device.plan->id(),
                 config::printable(said), *suffix);
  }
}

void Hj212Driver::note_problem(Device& device, const std::string& said) {
  std::string problem = config::printable(said);
  ++device.errors;
  std::string& shown = device.frames.newest().trouble;
  shown += (shown.empty() ? "" : "; ") + problem;
  if (const auto suffix = device.problems_logged.pass(context_.clock.ticks(), said)) {
    spdlog::warn("{}: {}: {}{}", name_, device.plan->id(), problem, *suffix);
  }
  device.problem = std::move(problem);
}

void Hj212Driver::warn(std::string_view peer, std::string_view text) {
  if (const auto suffix = strangers_logged_.pass(context_.clock.ticks(), text)) {
    spdlog::warn("{}: {}: {}{}", name_, peer, config::printable(text), *suffix);
  }
}

DeviceStatus Hj212Driver::status_of(const Device& device) const {
  DeviceStatus status;
  status.device = device.plan->id();
  status.since = device.since;
  status.heard = device.heard;
  status.polls = device.packets;
  status.errors = device.errors;
  status.connected = is_open(device.plan->mn);
  const Duration patience = silence_max(device.plan->interval);
  const Instant last = device.heard.value_or(device.since);
  if (!is_listening_ && !link_.detail.empty()) {
    status.state = DeviceStatus::State::offline;
    status.since = link_.since;
    status.detail = link_.detail;
  } else if (context_.clock.now() - last > patience) {
    status.state = DeviceStatus::State::offline;
    status.since = last + patience;
    status.detail = fmt::format("no packet of MN {} for {} s", device.plan->mn, patience / 1s);
  } else if (device.heard) {
    status.state = DeviceStatus::State::online;
    status.detail = device.problem;
  } else {
    status.detail = device.problem.empty() ? "no packet yet of MN " + device.plan->mn : device.problem;
  }
  return status;
}

const FrameLog* Hj212Driver::frames(std::string_view device) const {
  const auto found =
      std::ranges::find(devices_, device, [](const Device& one) { return std::string_view(one.plan->id()); });
  return found == devices_.end() ? nullptr : &found->frames;
}

DriverStatus Hj212Driver::status() const {
  DriverStatus status = link_;
  for (const Device& device : devices_) status.devices.push_back(status_of(device));
  return status;
}

}  // namespace carbongate::hj212_driver

#include "gateway/sinks/hj212/platform_link.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <utility>
#include <variant>

#include "config/reader/text.h"
#include "protocols/io/backoff.h"
#include "protocols/io/resolve.h"
#include "protocols/wire/overloaded.h"

namespace carbongate::sinks::hj212 {

namespace asio = boost::asio;
namespace codec = carbongate::hj212;
using asio::ip::tcp;
using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr std::size_t kHistoryPage = 50;  // records read from the store at a time
constexpr std::size_t kChangesMax = 16;   // that wait to be kept
constexpr auto kTroubleEvery = 10s;       // a line of one kind
constexpr auto kRemarkEvery = 1s;

model::ReportKind kind_of(std::string_view command) {
  if (command == "2051") return model::ReportKind::minute;
  return command == "2031" ? model::ReportKind::day : model::ReportKind::hour;
}

}  // namespace

PlatformLink::PlatformLink(const Config& config, asio::any_io_executor executor, io::Clock& clock, ports::Store* store)
    : config_(config),
      executor_(std::move(executor)),
      clock_(clock),
      store_(store),
      station_clock_(config.time_zone),
      lost_at_(clock.ticks()),
      changed_(executor_),
      wake_(executor_),
      asked_(executor_) {}

PlatformLink::Session::Moment PlatformLink::moment() const {
  return {clock_.ticks().time_since_epoch(), station_clock_.local(clock_.now())};
}

const codec::ClientSettings& PlatformLink::settings() const {
  return session_ ? session_->settings() : config_.settings;
}

std::optional<PlatformLink::Ticket> PlatformLink::upload(const Data& data, bool is_urgent) {
  const auto ticket = session_->upload(data.command, data.repeated, data.items, moment(), is_urgent);
  wake_.notify_all();
  return ticket;
}

void PlatformLink::forget(Ticket ticket) {
  arrived_.erase(ticket);
  sent_.erase(ticket);
  if (session_) session_->forget(ticket);
}

std::vector<Instant> PlatformLink::take_sent(Ticket ticket) {
  const auto sent = sent_.find(ticket);
  return sent == sent_.end() ? std::vector<Instant>() : std::exchange(sent->second, {});
}

asio::awaitable<void> PlatformLink::run() {
  co_await (stay_connected() || make_changes());  // what was asked for is kept, and holds, also if the asker is gone
}

asio::awaitable<void> PlatformLink::wait(io::SteadyTime deadline) {
  if (deadline == io::SteadyTime::max()) {
    co_await changed_.wait();
    co_return;
  }
  co_await (changed_.wait() || clock_.sleep_until(deadline));
}

asio::awaitable<void> PlatformLink::stay_connected() {
  co_await make_session();
  io::Backoff backoff(std::min<std::chrono::milliseconds>(500ms, config_.reconnect_max), config_.reconnect_max);
  for (;;) {
    while (!clock_.is_known()) co_await clock_.sleep_until(clock_.ticks() + 1s);  // a packet says when
    tcp::socket socket(executor_);
    if (co_await connect(socket)) {
      has_answered_ = false;
      co_await converse(socket);
      if (has_answered_) backoff.reset();
    }
    co_await clock_.sleep_until(clock_.ticks() + backoff.next());
  }
}

// With what the platform has set before.
asio::awaitable<void> PlatformLink::make_session() {
  io::Backoff backoff(500ms, 30s);
  while (store_) {
    const auto kept = co_await store_->kept(config_.name, kSettingsName);
    if (kept) {
      if (*kept) set_ = codec::read_set(**kept, config_.options.limits.allow);
      break;
    }
    set_trouble(kept.error().text);
    co_await clock_.sleep_until(clock_.ticks() + backoff.next());
  }
  session_.emplace(config_.options, set_.over(config_.settings));
}

asio::awaitable<bool> PlatformLink::connect(tcp::socket& socket) {
  boost::system::error_code error;
  io::Resolver resolver(executor_);
  const auto attempt = [&]() -> asio::awaitable<void> {
    const auto endpoints = co_await resolver.resolve(config_.host, config_.port, io::Resolver::kNoDeadline, error);
    if (error) co_return;
    const tcp::endpoint peer =
        co_await asio::async_connect(socket, endpoints, asio::redirect_error(asio::use_awaitable, error));
    if (!error) peer_ = fmt::format("{}:{}", peer.address().to_string(), peer.port());
  };
  const auto done = co_await (attempt() || clock_.sleep_until(clock_.ticks() + kConnectWithin));
  if (done.index() == 1) error = asio::error::timed_out;
  if (!error) co_return true;
  set_trouble(fmt::format("{}: cannot connect: {}", config_.where, error.message()));
  co_return false;
}

asio::awaitable<void> PlatformLink::converse(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.set_option(tcp::no_delay(true), ignored);
  is_useless_ = false;
  is_connected_ = true;
  session_->connected(moment());
  changed_.notify_all();
  struct Leaving {  // also when it is cancelled
    PlatformLink& link;
    ~Leaving() {
      link.is_connected_ = false;
      if (link.has_answered_) link.lost_at_ = link.clock_.ticks();
      link.session_->lost();
      link.changed_.notify_all();
    }
  } leaving{*this};
  spdlog::info("sink {}: connected to {}", config_.name, peer_);
  co_await (read(socket) || write(socket) || send_history());
  socket.close(ignored);
}

asio::awaitable<void> PlatformLink::read(tcp::socket& socket) {
  std::array<char, 4096> bytes;
  while (!is_useless_) {
    boost::system::error_code error;
    const std::size_t count =
        co_await socket.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) co_return;
      co_return set_trouble(fmt::format("{}: the connection has ended: {}", config_.where, error.message()));
    }
    session_->received(std::string_view(bytes.data(), count), moment());
    take_events();
    wake_.notify_all();
  }
}

asio::awaitable<void> PlatformLink::write(tcp::socket& socket) {
  while (!is_useless_) {
    if (const auto bytes = session_->next(moment())) {
      take_events();  // that it is sent
      boost::system::error_code error;
      const auto done =
          co_await (asio::async_write(socket, asio::buffer(*bytes), asio::redirect_error(asio::use_awaitable, error)) ||
                    clock_.sleep_until(clock_.ticks() + kWriteWithin));
      if (done.index() == 1) co_return leave("it takes nothing more");
      if (error) co_return set_trouble(fmt::format("{}: the connection has ended: {}", config_.where, error.message()));
      session_->written();
      take_events();
      continue;
    }
    take_events();
    if (is_useless_) co_return;
    if (const auto due = session_->due()) {
      co_await (wake_.wait() || clock_.sleep_until(io::SteadyTime(*due)));
    } else {
      co_await wake_.wait();
    }
  }
}

void PlatformLink::take_events() {
  while (auto event = session_->take_event()) {
    std::visit(Overloaded{[&](const Session::Sent& sent) { sent_[sent.ticket].push_back(clock_.now()); },
                          [&](const Session::Received& received) {
                            arrived_.insert(received.ticket);
                            has_answered_ = true;
                          },
                          [&](const Session::Useless& useless) {
                            is_useless_ = true;
                            ++given_up_;
                            leave(useless.why);
                            wake_.notify_all();
                          },
                          [&](Session::Asked& asked) {
                            auto* change = std::get_if<codec::Change>(&asked.work);
                            if (change && changes_.size() < kChangesMax) {
                              changes_.emplace_back(asked.qn, std::move(*change));
                            } else if (change || history_) {
                              session_->finish(asked.qn, codec::execution_result::kBusy);
                            } else {
                              history_.emplace(asked.qn, std::get<codec::HistoryWanted>(asked.work));
                            }
                            asked_.notify_all();
                          },
                          [&](const Session::Remark& remark) { log(remark); }},
               *event);
  }
  changed_.notify_all();
}

// Nothing holds before it is kept.
asio::awaitable<void> PlatformLink::make_changes() {
  for (;;) {
    while (changes_.empty()) co_await asked_.wait();
    const auto [qn, change] = std::move(changes_.front());
    changes_.pop_front();
    int result = codec::execution_result::kDone;
    codec::SetByPlatform set = set_;
    set.add(change.set);
    if (store_) {
      const auto kept = co_await store_->keep(config_.name, kSettingsName, to_text(set));
      if (!kept) {
        result = codec::execution_result::kFault;
        spdlog::error("sink {}: what the platform set is not kept, and does not hold: {}", config_.name,
                      kept.error().text);
      }
    }
    if (result == codec::execution_result::kDone) {
      set_ = std::move(set);
      session_->apply(change.set);
    }
    session_->finish(qn, result);
    wake_.notify_all();
  }
}

// One request at a time; on the next connection the platform asks again.
asio::awaitable<void> PlatformLink::send_history() {
  history_.reset();
  for (;;) {
    while (!history_) co_await asked_.wait();
    const int result = co_await send_history(history_->second);
    session_->finish(history_->first, result);
    history_.reset();
    wake_.notify_all();
  }
}

// Each record waits for its receipt before the next is sent.
asio::awaitable<int> PlatformLink::send_history(const codec::HistoryWanted& wanted) {
  if (!store_) co_return codec::execution_result::kNoData;
  ports::ReportQuery query{.station = config_.station,
                           .kind = kind_of(wanted.cn),
                           .from = station_clock_.instant(wanted.begin),
                           .to = station_clock_.instant(wanted.end),
                           .limit = kHistoryPage};
  std::size_t sent = 0;
  for (;;) {
    const auto page = co_await store_->reports(query);
    if (!page) {
      spdlog::error("sink {}: history cannot be read: {}", config_.name, page.error().text);
      co_return codec::execution_result::kFault;
    }
    for (const model::StoredRow& row : *page) {
      if (sent == config_.history_max) {
        log({fmt::format("CN {}: more than {} records: it may ask for what follows", wanted.cn, sent), true});
        co_return codec::execution_result::kDone;
      }
      while (!session_->has_room()) co_await changed_.wait();
      const bool marks_unknown = config_.options.limits.version == codec::Flag::kVersion2025;
      const auto ticket = upload(data_of(row.body.get<model::Report>(), station_clock_, marks_unknown));
      if (!ticket) continue;
      struct Waiting {
        PlatformLink& link;
        Ticket waited_for;
        ~Waiting() { link.forget(waited_for); }
      } waiting{*this, *ticket};
      while (!has_arrived(*ticket)) co_await changed_.wait();
      ++sent;
    }
    if (page->size() < kHistoryPage) break;
    query.after = page->back().body.get<model::Report>().begin;
  }
  co_return sent == 0 ? codec::execution_result::kNoData : codec::execution_result::kDone;
}

void PlatformLink::set_trouble(std::string text) {
  trouble_ = config::printable(text);
  changed_.notify_all();
}

// The gateway ends the connection.
void PlatformLink::leave(std::string why) {
  set_trouble(config_.where + ": " + why);
  log({.text = "connection closed: " + std::move(why), .is_trouble = true});
}

// What is set is told each time; of the rest each command has its gates, so that none hides another.
void PlatformLink::log(const Session::Remark& remark) {
  std::optional<std::string> suffix = "";
  if (!remark.is_setting) {
    LogGates gates(remark.is_trouble ? kTroubleEvery : kRemarkEvery);
    const std::string kind = remark.command + (remark.is_trouble ? " refused" : "");
    suffix = logged_.try_emplace(kind, std::move(gates)).first->second.pass(clock_.ticks(), remark.text);
  }
  if (!suffix) return;
  const auto level = remark.is_trouble ? spdlog::level::warn : spdlog::level::info;
  std::string counted;
  if (remark.is_trouble && !remark.command.empty()) {
    counted = fmt::format("; {} of {} requests refused so far", session_->refused(), session_->requests());
  }
  spdlog::log(level, "sink {}: {}: {}{}{}", config_.name, peer_, config::printable(remark.text), *suffix, counted);
}

}  // namespace carbongate::sinks::hj212

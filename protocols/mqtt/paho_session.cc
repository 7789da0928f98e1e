#include "protocols/mqtt/paho_session.h"

#include <spdlog/spdlog.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "protocols/io/event.h"
#include "protocols/io/task_group.h"
#include "protocols/mqtt/handover.h"
#include "protocols/mqtt/paho_session_keeper.h"

namespace carbongate::mqtt {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto kRepeatLogAfter = 10min;  // an unchanged reason why we are not connected is logged again after this
constexpr auto kKeeperLimit = 3s;        // to disconnect and put Paho away
constexpr auto kLastBatchLimit = 500ms;  // for what is still on its way into a full inbox
constexpr int kFlapsLogged = 5;          // connections that come and go are logged so often, and then as seldom as that

// Waits for the condition, or until the limit. Not interrupted by cancellation.
template <class Condition>
asio::awaitable<void> wait_at_most(std::chrono::milliseconds limit, io::Event& changed, Condition holds) {
  using namespace asio::experimental::awaitable_operators;
  asio::steady_timer timer(co_await asio::this_coro::executor, limit);
  const auto change = [](io::Event& event, Condition until) -> asio::awaitable<void> {
    while (!until()) co_await event.wait();
  };
  if (!holds()) co_await (change(changed, holds) || timer.async_wait(asio::use_awaitable));
}

}  // namespace

struct PahoSession::Loop : std::enable_shared_from_this<PahoSession::Loop> {
  Loop(const asio::any_io_executor& loop_executor, std::string broker, io::Clock& loop_clock)
      : executor(loop_executor), name(std::move(broker)), clock(loop_clock), arrived(executor), changed(executor) {
    status.since = clock.now();
  }

  // On the loop.
  void hear(const LinkReport& report);
  void log_failure(const std::string& cause, const std::string& text);

  asio::any_io_executor executor;
  std::string name;
  io::Clock& clock;
  std::shared_ptr<Handover> handover;
  io::Event arrived;  // something to take, or `closing`
  io::Event changed;  // keeper_ended, pump_ended
  bool closing = false;
  bool keeper_ended = false;
  bool pump_ended = false;
  std::uint64_t connections = 0;
  SessionStatus status;
  std::string logged;
  io::SteadyTime logged_at{};
};

void PahoSession::Loop::hear(const LinkReport& report) {
  switch (report.what) {
    case LinkReport::What::connected:
      status.connected = true;
      status.since = clock.now();
      status.detail.clear();
      status.protocol = report.protocol;
      if (connections++ > 0) ++status.reconnects;
      if (report.lost_in_a_row >= kFlapsLogged) return;
      logged.clear();
      spdlog::info("mqtt {}: connected, MQTT {}, {}", name, report.protocol,
                   report.session_present ? "session resumed" : "new session");
      return;
    case LinkReport::What::disconnected:
      if (status.connected) status.since = clock.now();
      status.connected = false;
      status.protocol.clear();
      status.detail = report.text;
      // While it flaps the texts differ in a number only, and count as one.
      log_failure(report.lost_in_a_row > kFlapsLogged ? "flapping" : report.text, report.text);
      return;
    case LinkReport::What::warning: spdlog::warn("mqtt {}: {}", name, report.text); return;
    case LinkReport::What::ended:
      keeper_ended = true;
      changed.notify_all();
      return;
  }
}

void PahoSession::Loop::log_failure(const std::string& cause, const std::string& text) {
  const io::SteadyTime now = clock.ticks();
  if (cause == logged && now - logged_at < kRepeatLogAfter) return;
  logged = cause;
  logged_at = now;
  spdlog::warn("mqtt {}: {}", name, text);
}

PahoSession::PahoSession(SessionOptions options, asio::any_io_executor executor, io::Clock& clock)
    : options_(std::move(options)),
      executor_(std::move(executor)),
      clock_(clock),
      loop_(std::make_shared<Loop>(executor_, options_.name, clock)) {
  // The wake-up holds the loop's side weakly: the handover may outlive it, in receipts that are still unsettled.
  loop_->handover = std::make_shared<Handover>(Handover::Limits{}, [executor = executor_, weak = std::weak_ptr(loop_)] {
    asio::post(executor, [weak] {
      if (const auto loop = weak.lock()) loop->arrived.notify_all();
    });
  });
}

PahoSession::~PahoSession() = default;

asio::awaitable<void> PahoSession::run(Handler handler) {
  const std::shared_ptr<Loop> loop = loop_;
  loop->closing = loop->keeper_ended = loop->pump_ended = false;
  loop->handover->accept();

  // Handing over runs beside this coroutine and not in it: our cancellation must not reach a handler that is just
  // passing on a message which could still be committed and acknowledged.
  const auto pump = [](std::shared_ptr<Loop> side, Handler hand_over) -> asio::awaitable<void> {
    for (;;) {
      std::vector<Message> messages = side->handover->take();
      if (!messages.empty()) {
        co_await hand_over(std::move(messages));
      } else if (side->closing) {
        co_return;
      } else {
        co_await side->arrived.wait();
      }
    }
  };
  const auto keeper = Keeper::start(options_, loop->handover, clock_, [loop](LinkReport report) {
    asio::post(loop->executor, [loop, report = std::move(report)] { loop->hear(report); });
  });
  struct LeaveNoThreadToReport {
    Keeper& keeper;
    ~LeaveNoThreadToReport() { keeper.orphan(); }
  } const leave{*keeper};

  io::TaskGroup tasks(executor_);
  std::exception_ptr why;
  tasks.spawn(pump(loop, std::move(handler)), [loop, &why](const std::exception_ptr& error) {
    if (!why) why = error;
    loop->pump_ended = true;
    loop->changed.notify_all();
  });
  try {
    while (!loop->pump_ended) co_await loop->changed.wait();
  } catch (...) {
    why = std::current_exception();
  }
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());

  // First no more messages, then what is waiting.
  keeper->request_stop();
  co_await wait_at_most(kKeeperLimit, loop->changed, [loop] { return loop->keeper_ended; });
  if (loop->keeper_ended) keeper->join();
  loop->closing = true;
  loop->arrived.notify_all();
  co_await wait_at_most(kLastBatchLimit, loop->changed, [loop] { return loop->pump_ended; });
  tasks.cancel();
  co_await tasks.join();
  loop->status.connected = false;
  if (why) std::rethrow_exception(why);
}

SessionStatus PahoSession::status() const {
  SessionStatus status = loop_->status;
  status.messages = loop_->handover->messages();
  status.dropped = loop_->handover->dropped();
  status.abandoned = loop_->handover->abandoned();
  return status;
}

}  // namespace carbongate::mqtt

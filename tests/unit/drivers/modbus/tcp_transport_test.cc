// The way to a device whose name has to be looked up, with a resolver that hangs for as long as a test wants.
#include "protocols/modbus/tcp_transport.h"

#include <gtest/gtest.h>
#include <netdb.h>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "protocols/io/resolve.h"
#include "protocols/io/task_group.h"

namespace {

// What stands in for the system's resolver in this program: finds nothing, and that only when it is let go.
struct HangingResolver {
  std::mutex mutex;
  std::condition_variable changed;
  int calls = 0;
  bool hangs = true;
};

HangingResolver& hanging_resolver() {
  static HangingResolver resolver;
  return resolver;
}

}  // namespace

extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
  HangingResolver& resolver = hanging_resolver();
  std::unique_lock lock(resolver.mutex);
  ++resolver.calls;
  resolver.changed.notify_all();
  resolver.changed.wait(lock, [&] { return !resolver.hangs; });
  return EAI_NONAME;
}

namespace carbongate::modbus {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using boost::system::error_code;

class TcpTransportTest : public ::testing::Test {
 protected:
  TcpTransportTest() {
    const std::scoped_lock lock(hanging_resolver().mutex);
    hanging_resolver().calls = 0;
    hanging_resolver().hangs = true;
  }
  ~TcpTransportTest() override { let_go(); }  // before the loop, which waits for the lookup, goes away

  void let_go() {
    const std::scoped_lock lock(hanging_resolver().mutex);
    hanging_resolver().hangs = false;
    hanging_resolver().changed.notify_all();
  }

  int calls() {
    const std::scoped_lock lock(hanging_resolver().mutex);
    return hanging_resolver().calls;
  }

  void wait_for_the_call() {
    std::unique_lock lock(hanging_resolver().mutex);
    hanging_resolver().changed.wait(lock, [] { return hanging_resolver().calls > 0; });
  }

  void open(TcpTransport& transport) {
    opened_.reset();
    ended_ = false;
    const auto task = [](TcpTransport& to, std::optional<Opened>& out) -> asio::awaitable<void> {
      out = co_await to.open();
    };
    tasks_.spawn(task(transport, opened_), [this](std::exception_ptr) { ended_ = true; });
    poll();
  }

  void poll() {  // what can be done without waiting for anything
    loop_.restart();
    loop_.poll();
  }

  asio::io_context loop_;
  io::TaskGroup tasks_{loop_.get_executor()};
  std::optional<Opened> opened_;
  bool ended_ = false;
};

TEST_F(TcpTransportTest, ALookupThatHangsIsLeftBehindWhenItIsInterrupted) {
  TcpTransport transport(loop_.get_executor(), "meter.example", 502);
  open(transport);
  wait_for_the_call();
  EXPECT_FALSE(ended_);
  transport.interrupt();
  poll();
  ASSERT_TRUE(opened_);
  EXPECT_EQ(opened_->error, asio::error::operation_aborted);
}

TEST_F(TcpTransportTest, ALookupThatHangsDoesNotHoldUpACancelledTask) {
  TcpTransport transport(loop_.get_executor(), "meter.example", 502);
  open(transport);
  wait_for_the_call();
  tasks_.cancel();
  poll();
  EXPECT_TRUE(ended_);
  EXPECT_FALSE(opened_);
}

TEST_F(TcpTransportTest, ANumericAddressDoesNotWaitBehindALookup) {
  TcpTransport named(loop_.get_executor(), "meter.example", 502);
  open(named);
  wait_for_the_call();
  named.interrupt();
  poll();

  asio::ip::tcp::acceptor acceptor(loop_, {asio::ip::address_v4::loopback(), 0});
  TcpTransport numeric(loop_.get_executor(), "127.0.0.1", acceptor.local_endpoint().port());
  open(numeric);
  while (!ended_ && loop_.run_one_for(5s) != 0) {
  }
  ASSERT_TRUE(opened_);
  EXPECT_FALSE(opened_->error) << opened_->text;
  EXPECT_EQ(calls(), 1);
}

TEST_F(TcpTransportTest, ALookupLeftBehindInTheLineIsNotMade) {
  TcpTransport transport(loop_.get_executor(), "meter.example", 502);
  for (int attempt = 0; attempt < 3; ++attempt) {
    open(transport);
    wait_for_the_call();
    transport.interrupt();
    poll();
    EXPECT_TRUE(ended_);
  }
  let_go();
  loop_.restart();
  loop_.run();  // to the end of all lookups
  EXPECT_EQ(calls(), 1);
}

TEST_F(TcpTransportTest, SaysWhichNameIsNotKnown) {
  let_go();
  TcpTransport transport(loop_.get_executor(), "meter.example", 502);
  open(transport);
  while (!ended_ && loop_.run_one_for(5s) != 0) {
  }
  ASSERT_TRUE(opened_);
  EXPECT_EQ(opened_->text.rfind("cannot look up meter.example: ", 0), 0u) << opened_->text;
}

TEST_F(TcpTransportTest, ALookupEndsAtItsDeadline) {
  io::Resolver resolver(loop_.get_executor());
  error_code error;
  const auto task = [](io::Resolver& from, error_code& out) -> asio::awaitable<void> {
    co_await from.resolve("meter.example", 502, asio::steady_timer::clock_type::now(), out);
  };
  tasks_.spawn(task(resolver, error), [this](std::exception_ptr) { ended_ = true; });
  while (!ended_ && loop_.run_one_for(5s) != 0) {
  }
  EXPECT_EQ(error, asio::error::timed_out);
}

}  // namespace
}  // namespace carbongate::modbus

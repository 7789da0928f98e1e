#include "protocols/io/task_group.h"

#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "tests/support/fake_clock.h"

namespace carbongate::io {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

class TaskGroupTest : public ::testing::Test {
 protected:
  asio::awaitable<void> wait_for_ever() { co_await clock_.sleep_until(SteadyTime::max()); }
  asio::awaitable<void> fail() {
    co_await clock_.sleep_until(clock_.ticks());
    throw std::runtime_error("broken");
  }

  void run() {
    loop_.restart();
    loop_.poll();
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  TaskGroup group_{loop_.get_executor()};
};

TEST_F(TaskGroupTest, EndsItsTasksWhenCancelledAndReportsThatAsAPeacefulEnd) {
  int ended = 0;
  const auto count = [&](std::exception_ptr error) { ended += error ? 100 : 1; };
  group_.spawn(wait_for_ever(), count);
  group_.spawn(wait_for_ever(), count);
  run();
  EXPECT_EQ(group_.size(), 2U);
  group_.cancel();
  run();
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(group_.size(), 0U);
}

TEST_F(TaskGroupTest, ReportsTheExceptionThatEscapedATask) {
  std::string what;
  group_.spawn(fail(), [&](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      what = e.what();
    }
  });
  run();
  EXPECT_EQ(what, "broken");
}

// Of two that wait side by side both say that they were cancelled.
TEST_F(TaskGroupTest, EndingByCancellationIsNoFaultOfTwoAwaitedTogether) {
  using namespace asio::experimental::awaitable_operators;
  bool ended = false;
  const auto both = [this]() -> asio::awaitable<void> { co_await (wait_for_ever() && wait_for_ever()); };
  group_.spawn(both(), [&](std::exception_ptr error) {
    ended = true;
    EXPECT_EQ(error, nullptr);
  });
  run();
  group_.cancel();
  run();
  EXPECT_TRUE(ended);
}

TEST_F(TaskGroupTest, JoinsWhenTheLastTaskHasEnded) {
  group_.spawn(wait_for_ever());
  bool joined = false;
  asio::co_spawn(
      loop_,
      [this, &joined]() -> asio::awaitable<void> {
        co_await group_.join();
        joined = true;
      },
      asio::detached);
  run();
  EXPECT_FALSE(joined);
  group_.cancel();
  run();
  EXPECT_TRUE(joined);
}

}  // namespace
}  // namespace carbongate::io

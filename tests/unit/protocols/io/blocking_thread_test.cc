#include "protocols/io/blocking_thread.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <stdexcept>
#include <string>

#include "protocols/io/elsewhere.h"

namespace carbongate::io {
namespace {

namespace asio = boost::asio;

class BlockingThreadTest : public ::testing::Test {
 protected:
  template <class Work>
  asio::awaitable<int> run(Work work) {
    const auto queue = thread_.queue();
    return elsewhere<int>([queue](std::function<void()> task) { queue->post(std::move(task)); }, std::move(work),
                          [queue] { queue->cancel(); });
  }

  asio::io_context loop_;
  BlockingThread thread_{[] {}};
};

TEST_F(BlockingThreadTest, GivesBackWhatTheWorkReturnsOnTheLoop) {
  std::thread::id worked_on;
  auto done = asio::co_spawn(loop_, run([&] { return worked_on = std::this_thread::get_id(), 42; }), asio::use_future);
  loop_.run();
  EXPECT_EQ(done.get(), 42);
  EXPECT_NE(worked_on, std::this_thread::get_id());
}

TEST_F(BlockingThreadTest, ThrowsWhatTheWorkThrows) {
  auto done = asio::co_spawn(loop_, run([]() -> int { throw std::runtime_error("stuck"); }), asio::use_future);
  loop_.run();
  EXPECT_THROW(done.get(), std::runtime_error);
}

TEST_F(BlockingThreadTest, TellsTheWorkThatItsCallerWasCancelled) {
  asio::cancellation_signal cancel;
  std::promise<void> has_begun;
  bool has_ended = false;
  const auto until_cancelled = [&, queue = thread_.queue()] {
    has_begun.set_value();
    while (!queue->is_to_end()) std::this_thread::yield();
    return 1;
  };
  asio::co_spawn(
      loop_, run(until_cancelled),
      asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr&, int) { has_ended = true; }));
  loop_.poll();
  has_begun.get_future().wait();
  cancel.emit(asio::cancellation_type::terminal);
  loop_.run();
  EXPECT_TRUE(has_ended);
}

TEST(BlockingThread, RunsTasksInOrderAndTheLastOneWhenItStops) {
  std::string order;
  {
    const BlockingThread thread([&] { order += "!"; });
    std::promise<void> is_done;
    for (const char* letter : {"a", "b", "c"}) thread.queue()->post([&order, letter] { order += letter; });
    thread.queue()->post([&] { is_done.set_value(); });
    is_done.get_future().wait();
  }
  EXPECT_EQ(order, "abc!");
}

TEST(BlockingThread, DoesNotWaitForOneThatIsStuck) {
  auto release = std::make_shared<std::promise<void>>();
  auto ended = std::make_shared<std::promise<void>>();
  {
    const BlockingThread thread([ended] { ended->set_value(); });
    thread.queue()->post([wait = std::make_shared<std::future<void>>(release->get_future())] { wait->wait(); });
  }
  release->set_value();
  ended->get_future().wait();
}

}  // namespace
}  // namespace carbongate::io

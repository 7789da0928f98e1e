#include "protocols/io/bounded_queue.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <string>

namespace carbongate::io {
namespace {

namespace asio = boost::asio;

class BoundedQueueTest : public ::testing::Test {
 protected:
  void spawn(asio::awaitable<void> task) { asio::co_spawn(loop_, std::move(task), asio::detached); }

  // Pushes one item; `outcome` tells whether it was accepted, once that is decided.
  asio::awaitable<void> push(std::string item, std::size_t weight, std::optional<bool>& outcome) {
    outcome = co_await queue_.push(item, weight);
  }
  asio::awaitable<void> pop(std::optional<std::optional<std::vector<std::string>>>& outcome) {
    outcome = co_await queue_.pop_all();
  }

  asio::io_context loop_;
  BoundedQueue<std::string> queue_{loop_.get_executor(), 10};
};

TEST_F(BoundedQueueTest, GivesOutAllThatWaitsAtOnce) {
  std::optional<bool> a, b;
  std::optional<std::optional<std::vector<std::string>>> popped;
  spawn(push("a", 4, a));
  spawn(push("b", 6, b));
  spawn(pop(popped));
  loop_.poll();
  EXPECT_EQ(popped, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(queue_.weight(), 0U);
}

TEST_F(BoundedQueueTest, MakesAPushWaitUntilThereIsRoom) {
  std::optional<bool> a, b;
  spawn(push("a", 8, a));
  spawn(push("b", 3, b));
  loop_.poll();
  EXPECT_EQ(a, true);
  EXPECT_EQ(b, std::nullopt) << "8 + 3 is beyond the limit of 10";
  EXPECT_EQ(queue_.waits(), 1U);

  std::optional<std::optional<std::vector<std::string>>> popped;
  spawn(pop(popped));
  loop_.restart();
  loop_.poll();
  EXPECT_EQ(popped, std::vector<std::string>{"a"});
  EXPECT_EQ(b, true);
}

TEST_F(BoundedQueueTest, HeldItMakesAPushWaitAndDoesNotCountItAsFull) {
  std::optional<bool> a;
  queue_.hold(true);
  spawn(push("a", 1, a));
  loop_.poll();
  EXPECT_EQ(a, std::nullopt);
  EXPECT_EQ(queue_.waits(), 0U);
  queue_.hold(false);
  loop_.restart();
  loop_.poll();
  EXPECT_EQ(a, true);
}

TEST_F(BoundedQueueTest, AcceptsAnItemHeavierThanTheLimitWhenEmpty) {
  std::optional<bool> a;
  spawn(push("a", 99, a));
  loop_.poll();
  EXPECT_EQ(a, true);
}

TEST_F(BoundedQueueTest, GivesOutWhatItAcceptedBeforeItWasClosed) {
  std::optional<bool> a, b;
  spawn(push("a", 1, a));
  loop_.poll();
  queue_.close();
  std::optional<std::optional<std::vector<std::string>>> first, second;
  spawn(push("b", 1, b));
  spawn(pop(first));
  spawn(pop(second));
  loop_.restart();
  loop_.poll();
  EXPECT_EQ(b, false);
  EXPECT_EQ(first, std::vector<std::string>{"a"});
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(*second, std::nullopt) << "closed and drained";
}

TEST_F(BoundedQueueTest, RefusesAPushThatWaitedWhenItIsClosed) {
  std::optional<bool> a, b;
  spawn(push("a", 10, a));
  spawn(push("b", 1, b));
  loop_.poll();
  queue_.close();
  loop_.restart();
  loop_.poll();
  EXPECT_EQ(b, false);
}

}  // namespace
}  // namespace carbongate::io

#include "protocols/mqtt/handover.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

namespace carbongate::mqtt {
namespace {

using namespace std::chrono_literals;
using enum Handover::Verdict;

constexpr auto kLong = 30s;  // never waited out

Message message(std::string payload, int qos) {
  Message m;
  m.topic = "t";
  m.payload = std::move(payload);
  m.qos = qos;
  return m;
}

// A handover, and a thread that stands for Paho's.
struct Fixture : ::testing::Test {
  std::shared_ptr<Handover> make(Handover::Limits limits = {}) {
    return std::make_shared<Handover>(limits, [this] { woken.release(); });
  }

  std::future<Handover::Verdict> offer_from_another_thread(std::shared_ptr<Handover> to,
                                                           std::chrono::milliseconds patience = kLong) {
    return std::async(std::launch::async,
                      [to = std::move(to), patience] { return to->offer(message("m", 1), patience); });
  }

  std::vector<Message> take_when_woken(Handover& from) {
    woken.acquire();
    return from.take();
  }

  std::counting_semaphore<> woken{0};
};
using HandoverTest = Fixture;

TEST_F(HandoverTest, NeverHoldsAQoS0Message) {
  const auto handover = make();
  EXPECT_EQ(handover->offer(message("a", 0), kLong), acknowledge);
  EXPECT_EQ(handover->offer(message("b", 0), kLong), acknowledge);
  const auto messages = handover->take();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].payload, "a");
  EXPECT_EQ(messages[1].payload, "b");
  EXPECT_EQ(messages[0].receipt, nullptr);
}

TEST_F(HandoverTest, WakesTheLoopOnceForManyMessages) {
  const auto handover = make();
  for (int i = 0; i < 100; ++i) handover->offer(message("x", 0), kLong);
  EXPECT_TRUE(woken.try_acquire());
  EXPECT_FALSE(woken.try_acquire());
}

TEST_F(HandoverTest, AcknowledgesAQoS1MessageWhenItIsCommitted) {
  const auto handover = make();
  auto verdict = offer_from_another_thread(handover);
  const auto messages = take_when_woken(*handover);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(verdict.wait_for(0s), std::future_status::timeout) << "returned before the commit";
  messages[0].receipt->settle(true);
  EXPECT_EQ(verdict.get(), acknowledge);
  EXPECT_TRUE(handover->wait_settled(0ms));
}

TEST_F(HandoverTest, AbandonsAMessageThatWillNeverBeCommitted) {
  const auto handover = make();
  auto verdict = offer_from_another_thread(handover);
  take_when_woken(*handover)[0].receipt->settle(false);
  EXPECT_EQ(verdict.get(), abandon);
  EXPECT_EQ(handover->abandoned(), 1u);
}

TEST_F(HandoverTest, TakesADroppedReceiptForALostMessage) {
  const auto handover = make();
  auto verdict = offer_from_another_thread(handover);
  take_when_woken(*handover).clear();
  EXPECT_EQ(verdict.get(), abandon);
}

TEST_F(HandoverTest, AbandonsAMessageNobodyTookInTime) {
  const auto handover = make();
  EXPECT_EQ(handover->offer(message("late", 1), 1ms), abandon);
  EXPECT_TRUE(handover->take().empty()) << "it would be counted now, and again when it is delivered again";
  EXPECT_TRUE(handover->wait_settled(0ms));
}

TEST_F(HandoverTest, KnowsThatAnAbandonedMessageIsStillOnItsWayToTheStore) {
  const auto handover = make();
  auto verdict = offer_from_another_thread(handover, 1ms);
  auto messages = take_when_woken(*handover);
  if (messages.empty()) return;  // its millisecond was over before it was taken: the case above
  EXPECT_EQ(verdict.get(), abandon);
  EXPECT_FALSE(handover->wait_settled(0ms));
  messages[0].receipt->settle(true);
  EXPECT_TRUE(handover->wait_settled(0ms));
}

TEST_F(HandoverTest, LetsGoOfTheWaitingMessageAtShutdown) {
  const auto handover = make();
  auto verdict = offer_from_another_thread(handover);
  const auto messages = take_when_woken(*handover);
  handover->refuse();
  EXPECT_EQ(verdict.get(), abandon);
  EXPECT_EQ(handover->offer(message("next", 2), kLong), abandon);
  EXPECT_EQ(handover->offer(message("plain", 0), kLong), acknowledge);
  messages[0].receipt->settle(true);  // may come later, and must do no harm
}

TEST_F(HandoverTest, DropsTheOldestQoS0MessagesAndCountsThem) {
  const auto handover = make({.messages = 3, .bytes = 1000});
  for (const char* payload : {"1", "2", "3", "4", "5"}) handover->offer(message(payload, 0), kLong);
  const auto messages = handover->take();
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].payload, "3");
  EXPECT_EQ(handover->dropped(), 2u);
  EXPECT_EQ(handover->messages(), 5u);
}

TEST_F(HandoverTest, LimitsTheBytesThatWait) {
  const auto handover = make({.messages = 100, .bytes = 100});
  for (int i = 0; i < 10; ++i) handover->offer(message(std::string(30, 'x'), 0), kLong);
  EXPECT_EQ(handover->take().size(), 3u);
  EXPECT_EQ(handover->dropped(), 7u);
}

TEST_F(HandoverTest, NeverDropsAQoS1MessageForQoS0Ones) {
  const auto handover = make({.messages = 2, .bytes = 1000});
  auto verdict = offer_from_another_thread(handover);
  woken.acquire();
  for (int i = 0; i < 5; ++i) handover->offer(message("plain", 0), kLong);
  const auto messages = handover->take();
  ASSERT_EQ(messages.size(), 3u);
  ASSERT_NE(messages[0].receipt, nullptr);
  messages[0].receipt->settle(true);
  EXPECT_EQ(verdict.get(), acknowledge);
}

TEST_F(HandoverTest, MayBeOutlivedByAReceipt) {
  auto handover = make();
  auto verdict = offer_from_another_thread(handover);
  const auto messages = take_when_woken(*handover);
  handover->refuse();
  verdict.get();
  handover.reset();
  messages[0].receipt->settle(true);
}

}  // namespace
}  // namespace carbongate::mqtt

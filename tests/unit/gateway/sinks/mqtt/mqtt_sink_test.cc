#include "gateway/sinks/mqtt/mqtt_sink.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <deque>
#include <memory>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"

namespace carbongate::sinks::mqtt {
namespace {

namespace asio = boost::asio;
using carbongate::mqtt::Outgoing;
using carbongate::mqtt::Published;

// Acknowledges everything, unless an answer is queued.
class FakePublisher final : public carbongate::mqtt::Publisher {
 public:
  asio::awaitable<Published> publish(std::vector<Outgoing> messages) override {
    Published answer{messages.size(), {}, {}};
    if (!answers.empty()) {
      answer = answers.front();
      answers.pop_front();
    }
    published.insert(published.end(), messages.begin(), messages.end());
    co_return answer;
  }

  std::deque<Published> answers;
  std::vector<Outgoing> published;
};

class MqttSinkTest : public ::testing::Test {
 protected:
  MqttSinkTest() {
    config_.name = "out";
    config_.time_zone = "Asia/Shanghai";
    series_->site = "park";
    series_->device = "press";
    series_->point = "energy";
    series_->unit = "kWh";
    series_->carrier = "electricity";
  }

  void read(std::uint64_t sequence, std::int64_t second, double value = 1) {
    rows_.push_back({sequence, series_, model::JudgedReading{Instant(std::chrono::seconds(second)), value, {}}});
  }
  model::Result<ports::Delivery> deliver(bool again = false) {
    if (!sink_) {
      auto publisher = std::make_unique<FakePublisher>();
      publisher_ = publisher.get();
      publisher_->answers = answers_;
      sink_ = std::make_unique<MqttSink>(config_, "0123", std::move(publisher), clock_, journal_);
    }
    auto done = asio::co_spawn(loop_, again ? sink_->deliver_again(rows_) : sink_->deliver(rows_), asio::use_future);
    loop_.restart();
    loop_.run();
    return done.get();
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  std::shared_ptr<model::Series> series_ = std::make_shared<model::Series>();
  Config config_;
  std::deque<Published> answers_;
  std::vector<model::StoredRow> rows_;
  FakePublisher* publisher_ = nullptr;
  ports::Store* journal_ = nullptr;
  std::unique_ptr<MqttSink> sink_;
};

TEST_F(MqttSinkTest, PublishesARowAsAnObjectWithItsKey) {
  read(42, 1'764'302'400, 1.5);
  EXPECT_EQ(deliver()->settled_through, 42U);
  ASSERT_EQ(publisher_->published.size(), 1U);
  EXPECT_EQ(publisher_->published[0].topic, "carbongate/park/readings/press/energy");
  EXPECT_EQ(publisher_->published[0].payload,
            R"({"time":"2025-11-28T12:00:00+08:00","device":"press","point":"energy","value":1.5,"unit":"kWh",)"
            R"("quality":"measured","rule":"","hj212_flag":"N","kind":"readings","site":"park","key":"0123-42"})");
  EXPECT_FALSE(publisher_->published[0].retained);
  EXPECT_EQ(sink_->status().rows_accepted, 1U);
  EXPECT_TRUE(sink_->status().healthy);
}

TEST_F(MqttSinkTest, SaysInWhosePlaceItTells) {
  config_.escalated_from = "duty-mail";
  series_->rule = "overload";
  rows_.push_back({42, series_, model::Alert{}});
  deliver();
  ASSERT_EQ(publisher_->published.size(), 1U);
  EXPECT_TRUE(publisher_->published[0].payload.ends_with(R"("key":"0123-42","escalated_from":"duty-mail"})"))
      << publisher_->published[0].payload;
}

TEST_F(MqttSinkTest, SettlesWhatWasAcknowledgedBeforeTheTrouble) {
  for (const std::uint64_t sequence : {3U, 5U, 9U}) read(sequence, 0);
  answers_ = {{2, {}, "lost"}, {0, {}, "still lost"}};
  EXPECT_EQ(deliver()->settled_through, 8U) << "what lies between is nobody's";
  EXPECT_FALSE(sink_->status().healthy);
  EXPECT_EQ(sink_->status().rows_accepted, 2U);
  rows_.erase(rows_.begin(), rows_.begin() + 2);
  EXPECT_EQ(deliver().error().text, "still lost");
  EXPECT_EQ(deliver()->settled_through, 9U);
  EXPECT_EQ(sink_->status().rows_accepted, 3U);
  EXPECT_EQ(sink_->status().failures, 2U);
}

TEST_F(MqttSinkTest, RejectsWhatTheBrokerNeverTakesAndWhatCannotBeWritten) {
  read(1, 0);
  rows_.push_back({2, std::make_shared<model::Series>(), model::EnergyInterval{}});  // of no carrier
  read(3, 0);
  read(4, 0);
  rows_.push_back({5, std::make_shared<model::Series>(), model::EnergyInterval{}});
  answers_ = {{2, {{1, "t: Packet too large (149)"}}, "lost"}};
  const auto delivery = deliver();
  EXPECT_EQ(delivery->settled_through, 3U);
  ASSERT_EQ(delivery->rejected.size(), 2U) << "row 5 is offered again";
  EXPECT_EQ(delivery->rejected[0].sequence, 2U);
  EXPECT_EQ(delivery->rejected[1].sequence, 3U);
  EXPECT_EQ(delivery->rejected[1].reason, "t: Packet too large (149)");
  EXPECT_EQ(sink_->status().rows_accepted, 1U);
  EXPECT_EQ(sink_->status().rows_rejected, 2U);
}

TEST_F(MqttSinkTest, RejectsATopicThatIsTooLong) {
  series_->point = std::string(70'000, 'x');
  read(1, 0);
  const auto delivery = deliver();
  EXPECT_EQ(delivery->rejected.at(0).reason, "its topic is longer than a topic may be");
  EXPECT_TRUE(publisher_->published.empty());
}

TEST_F(MqttSinkTest, LetsTheBrokerKeepTheNewestOnly) {
  config_.retain = true;
  read(1, 100);
  read(2, 50);  // late
  read(3, 100);
  read(4, 101);
  deliver();
  std::vector<bool> retained;
  for (const Outgoing& message : publisher_->published) retained.push_back(message.retained);
  EXPECT_EQ(retained, (std::vector<bool>{true, false, true, true}));
}

TEST_F(MqttSinkTest, LetsTheBrokerKeepNothingOlderThanBeforeTheStart) {
  config_.retain = true;
  model::Site site;
  testing::FakeDisk disk;
  read(1, 100);
  disk.rows = std::exchange(rows_, {});
  testing::FakeStore journal(disk, site);
  journal_ = &journal;
  read(2, 50);  // late
  journal.fail({make_error_code(boost::system::errc::io_error), "broken"}, 1);
  EXPECT_FALSE(deliver()) << "nobody knows whether there is a newer one";
  EXPECT_TRUE(deliver());
  rows_.clear();
  read(3, 101);
  EXPECT_TRUE(deliver());
  ASSERT_EQ(publisher_->published.size(), 2U);
  EXPECT_FALSE(publisher_->published[0].retained);
  EXPECT_TRUE(publisher_->published[1].retained);
}

TEST_F(MqttSinkTest, LetsTheBrokerKeepNoDeadLetter) {
  config_.retain = true;
  read(1, 100);
  deliver(true);
  ASSERT_EQ(publisher_->published.size(), 1U);
  EXPECT_FALSE(publisher_->published[0].retained) << "a newer one may be there";
}

}  // namespace
}  // namespace carbongate::sinks::mqtt

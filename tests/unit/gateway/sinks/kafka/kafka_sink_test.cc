// The sink against librdkafka's own mock cluster, over loopback sockets.
#include "gateway/sinks/kafka/kafka_sink.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "tests/support/fake_clock.h"

namespace carbongate::sinks::kafka {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr std::int16_t kProduce = 0;  // of the protocol's requests

rd_kafka_t* make(rd_kafka_type_t type, std::initializer_list<std::pair<const char*, std::string>> settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char text[512];
  for (const auto& [name, value] : settings) {
    EXPECT_EQ(rd_kafka_conf_set(conf, name, value.c_str(), text, sizeof text), RD_KAFKA_CONF_OK) << text;
  }
  rd_kafka_t* made = rd_kafka_new(type, conf, text, sizeof text);
  EXPECT_NE(made, nullptr) << text;
  return made;
}

class KafkaSinkTest : public ::testing::Test {
 protected:
  KafkaSinkTest() {
    host_ = make(RD_KAFKA_PRODUCER, {{"test.mock.num.brokers", "3"}});
    cluster_ = rd_kafka_handle_mock_cluster(host_);
    config_.name = "out";
    config_.bootstrap = rd_kafka_mock_cluster_bootstraps(cluster_);
    config_.timeout = 10s;
    series_->site = "park";
    series_->device = "press";
    series_->point = "energy";
    series_->unit = "kWh";
    rd_kafka_mock_topic_create(cluster_, "carbongate.readings", 4, 3);
  }
  ~KafkaSinkTest() override {
    sink_.reset();
    rd_kafka_destroy(host_);
  }

  std::vector<model::StoredRow> rows(std::uint64_t first, std::uint64_t last) const {
    std::vector<model::StoredRow> made;
    for (std::uint64_t n = first; n <= last; ++n) {
      made.push_back({n, series_, model::JudgedReading{Instant(std::chrono::seconds(n)), double(n), {}}});
    }
    return made;
  }
  model::Result<ports::Delivery> deliver(const std::vector<model::StoredRow>& rows) {
    if (!sink_) sink_ = std::make_unique<KafkaSink>(config_, "0123", clock_);
    auto done = asio::co_spawn(loop_, sink_->deliver(rows), asio::use_future);
    loop_.restart();
    loop_.run();
    return done.get();
  }

  struct Heard {
    std::string key;
    std::string value;
    std::int32_t partition = 0;
  };
  // The first `count` records of the topic, and whether more come within half a second.
  std::vector<Heard> heard(std::size_t count, const char* topic = "carbongate.readings") {
    rd_kafka_t* consumer =
        make(RD_KAFKA_CONSUMER,
             {{"bootstrap.servers", config_.bootstrap}, {"group.id", "listener"}, {"auto.offset.reset", "earliest"}});
    rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(4);
    for (int partition = 0; partition < 4; ++partition) {
      rd_kafka_topic_partition_list_add(all, topic, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    rd_kafka_assign(consumer, all);
    rd_kafka_topic_partition_list_destroy(all);
    std::vector<Heard> result;
    const auto deadline = std::chrono::steady_clock::now() + 15s;
    while (std::chrono::steady_clock::now() < deadline) {
      rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 500);
      if (!message) {
        if (result.size() >= count) break;
        continue;
      }
      if (!message->err) {
        result.push_back({{static_cast<const char*>(message->key), message->key_len},
                          {static_cast<const char*>(message->payload), message->len},
                          message->partition});
      }
      rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return result;
  }
  static std::vector<std::string> expected_keys(std::uint64_t first, std::uint64_t last) {
    std::vector<std::string> keys;
    for (std::uint64_t n = first; n <= last; ++n) keys.push_back("\"key\":\"0123-" + std::to_string(n) + "\"}");
    return keys;
  }
  static void expect_rows(const std::vector<Heard>& heard, std::uint64_t first, std::uint64_t last) {
    const auto keys = expected_keys(first, last);
    ASSERT_EQ(heard.size(), keys.size()) << "every row once";
    for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_TRUE(heard[i].value.ends_with(keys[i])) << heard[i].value;
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  rd_kafka_t* host_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  std::shared_ptr<model::Series> series_ = std::make_shared<model::Series>();
  Config config_;
  std::unique_ptr<KafkaSink> sink_;
};

TEST_F(KafkaSinkTest, StoresEveryRowOfAPointInOrderUnderItsKey) {
  EXPECT_EQ(deliver(rows(1, 500))->settled_through, 500U);
  const auto records = heard(500);
  expect_rows(records, 1, 500);
  for (const Heard& record : records) {
    EXPECT_EQ(record.key, "press.energy");
    EXPECT_EQ(record.partition, records[0].partition) << "one point, one partition";
  }
  EXPECT_EQ(records[0].value,
            R"({"time":"1970-01-01T00:00:01+00:00","device":"press","point":"energy","value":1,"unit":"kWh",)"
            R"("quality":"measured","rule":"","hj212_flag":"N","kind":"readings","site":"park","key":"0123-1"})");
  EXPECT_EQ(sink_->status().rows_accepted, 500U);
  EXPECT_TRUE(sink_->status().healthy);
}

TEST_F(KafkaSinkTest, StoresOnceWhatItHadToTryAgain) {
  rd_kafka_mock_push_request_errors(cluster_, kProduce, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                    RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
  EXPECT_EQ(deliver(rows(1, 50))->settled_through, 50U);
  expect_rows(heard(50), 1, 50);
}

TEST_F(KafkaSinkTest, WaitsForServersThatAreDownAndSaysSo) {
  EXPECT_EQ(deliver(rows(1, 10))->settled_through, 10U);
  for (int broker = 1; broker <= 3; ++broker) rd_kafka_mock_broker_set_down(cluster_, broker);
  const auto refused = deliver(rows(11, 20));
  ASSERT_FALSE(refused);
  EXPECT_FALSE(refused.error().text.empty());
  EXPECT_FALSE(sink_->status().healthy);
  for (int broker = 1; broker <= 3; ++broker) rd_kafka_mock_broker_set_up(cluster_, broker);
  std::optional<model::Result<ports::Delivery>> again;
  for (int attempt = 0; attempt < 20 && !(again && *again); ++attempt) again = deliver(rows(11, 20));
  ASSERT_TRUE(*again) << again->error().text;
  EXPECT_EQ((*again)->settled_through, 20U);
  EXPECT_TRUE(sink_->status().healthy);
  expect_rows(heard(20), 1, 20);
}

TEST_F(KafkaSinkTest, KeepsWhatServersRefuseForTheirConfiguration) {
  rd_kafka_mock_push_request_errors(cluster_, kProduce, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  const auto refused = deliver(rows(1, 3));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("Topic authorization failed"), std::string::npos) << refused.error().text;
  EXPECT_EQ(deliver(rows(1, 3))->settled_through, 3U);
}

TEST_F(KafkaSinkTest, RejectsWhatCanNeverBeSent) {
  series_->carrier = "antimatter";
  std::vector<model::StoredRow> offered = rows(1, 1);
  offered.push_back({2, series_, model::EnergyInterval{}});
  auto large = std::make_shared<model::Series>(*series_);
  large->point = std::string(2'000'000, 'x');
  offered.push_back({3, large, model::JudgedReading{}});
  const auto last = rows(4, 4);
  offered.push_back(last[0]);
  const auto delivery = deliver(offered);
  EXPECT_EQ(delivery->settled_through, 4U);
  ASSERT_EQ(delivery->rejected.size(), 2U);
  EXPECT_EQ(delivery->rejected[0].sequence, 2U);
  EXPECT_EQ(delivery->rejected[1].sequence, 3U);
  EXPECT_EQ(delivery->rejected[1].reason, "Broker: Message size too large");
  EXPECT_EQ(sink_->status().rows_accepted, 2U);
}

TEST_F(KafkaSinkTest, GivesUpWaitingForServersThatDoNotAnswer) {
  for (int broker = 1; broker <= 3; ++broker) rd_kafka_mock_broker_set_rtt(cluster_, broker, 60'000);
  config_.timeout = 1s;
  const auto refused = deliver(rows(1, 3));
  ASSERT_FALSE(refused);
  EXPECT_FALSE(refused.error().text.empty());
  for (int broker = 1; broker <= 3; ++broker) rd_kafka_mock_broker_set_rtt(cluster_, broker, 0);
  config_.timeout = 10s;
  sink_.reset();
  EXPECT_EQ(deliver(rows(1, 3))->settled_through, 3U);
}

TEST_F(KafkaSinkTest, CanBeCancelledWhileServersDoNotAnswer) {
  for (int broker = 1; broker <= 3; ++broker) rd_kafka_mock_broker_set_rtt(cluster_, broker, 60'000);
  config_.timeout = 60s;
  sink_ = std::make_unique<KafkaSink>(config_, "0123", clock_);
  const auto offered = rows(1, 3);
  asio::cancellation_signal cancel;
  bool has_ended = false;
  asio::co_spawn(loop_, sink_->deliver(offered),
                 asio::bind_cancellation_slot(cancel.slot(), [&](auto&&...) { has_ended = true; }));
  asio::post(loop_, [&] { cancel.emit(asio::cancellation_type::terminal); });
  const auto begin = std::chrono::steady_clock::now();
  loop_.run();
  EXPECT_TRUE(has_ended);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

}  // namespace
}  // namespace carbongate::sinks::kafka

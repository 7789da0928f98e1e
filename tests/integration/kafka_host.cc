// librdkafka's mock cluster in a process of its own, and somebody who listens to it: prints {"bootstrap": ...}, and
// then each record of the topics carbongate.* as {"topic": ..., "key": ..., "value": ...}. On standard input: "down"
// and "up" for all its servers. Ends with its input.
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <atomic>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <initializer_list>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace {

constexpr int kServers = 3;
constexpr int kPartitions = 4;
constexpr const char* kTopics[] = {"carbongate.readings", "carbongate.intervals", "carbongate.entries",
                                   "carbongate.rollups", "carbongate.totals"};

rd_kafka_t* make(rd_kafka_type_t type, std::initializer_list<std::pair<const char*, std::string>> settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char text[512];
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), text, sizeof text) != RD_KAFKA_CONF_OK) {
      std::cerr << text << "\n";
      std::exit(1);
    }
  }
  rd_kafka_t* made = rd_kafka_new(type, conf, text, sizeof text);
  if (!made) {
    std::cerr << text << "\n";
    std::exit(1);
  }
  return made;
}

std::string_view text_of(const void* data, std::size_t length) {
  return {static_cast<const char*>(data), length};
}

void listen(const std::string& bootstrap, const std::atomic<bool>& is_over) {
  rd_kafka_t* consumer =
      make(RD_KAFKA_CONSUMER,
           {{"bootstrap.servers", bootstrap}, {"group.id", "listener"}, {"auto.offset.reset", "earliest"}});
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(1);
  for (const char* topic : kTopics) {
    for (int partition = 0; partition < kPartitions; ++partition) {
      rd_kafka_topic_partition_list_add(all, topic, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
  }
  rd_kafka_assign(consumer, all);
  rd_kafka_topic_partition_list_destroy(all);
  while (!is_over) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 100);
    if (!message) continue;
    if (!message->err) {
      boost::json::object object{{"topic", rd_kafka_topic_name(message->rkt)},
                                 {"key", text_of(message->key, message->key_len)},
                                 {"value", text_of(message->payload, message->len)}};
      std::cout << boost::json::serialize(object) << std::endl;
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
}

}  // namespace

int main() {
  rd_kafka_t* host = make(RD_KAFKA_PRODUCER, {{"test.mock.num.brokers", std::to_string(kServers)}});
  rd_kafka_mock_cluster_t* cluster = rd_kafka_handle_mock_cluster(host);
  for (const char* topic : kTopics) rd_kafka_mock_topic_create(cluster, topic, kPartitions, kServers);
  const std::string bootstrap = rd_kafka_mock_cluster_bootstraps(cluster);
  std::cout << boost::json::serialize(boost::json::object{{"bootstrap", bootstrap}}) << std::endl;
  std::atomic<bool> is_over = false;
  std::thread listener([&] { listen(bootstrap, is_over); });
  for (std::string command; std::getline(std::cin, command);) {
    for (int server = 1; server <= kServers; ++server) {
      if (command == "down") rd_kafka_mock_broker_set_down(cluster, server);
      if (command == "up") rd_kafka_mock_broker_set_up(cluster, server);
    }
  }
  is_over = true;
  listener.join();
  rd_kafka_destroy(host);
}

// librdkafka's mock cluster in a process of its own, and somebody who listens to it: prints {"bootstrap": ...}, and
// then each record of the topics carbongate.* as {"topic": ..., "partition": ..., "key": ..., "value": ...}. On
// standard input: "down" and "up" for all its servers. Ends with its input.
//
//   kafka_host BOOTSTRAP PREFIX    listens to the topics PREFIX.* of a cluster that is there already
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
constexpr int kMetadataLimitMs = 30'000;
constexpr const char* kKinds[] = {"readings", "intervals", "entries", "rollups", "totals"};

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

int partitions_of(rd_kafka_t* consumer, const std::string& topic) {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(consumer, topic.c_str(), nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(consumer, 0, handle, &metadata, kMetadataLimitMs);
  const int count = error == RD_KAFKA_RESP_ERR_NO_ERROR ? metadata->topics[0].partition_cnt : 0;
  if (metadata) rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
  if (count == 0) {
    std::cerr << "there is no topic " << topic << "\n";
    std::exit(1);
  }
  return count;
}

void listen(const std::string& bootstrap, const std::string& prefix, const std::atomic<bool>& is_over) {
  rd_kafka_t* consumer =
      make(RD_KAFKA_CONSUMER,
           {{"bootstrap.servers", bootstrap}, {"group.id", "listener"}, {"auto.offset.reset", "earliest"}});
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(1);
  for (const char* kind : kKinds) {
    const std::string topic = prefix + "." + kind;
    const int partitions = partitions_of(consumer, topic);
    for (int partition = 0; partition < partitions; ++partition) {
      rd_kafka_topic_partition_list_add(all, topic.c_str(), partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
  }
  rd_kafka_assign(consumer, all);
  rd_kafka_topic_partition_list_destroy(all);
  while (!is_over) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 100);
    if (!message) continue;
    if (!message->err) {
      boost::json::object object{{"topic", rd_kafka_topic_name(message->rkt)},
                                 {"partition", message->partition},
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

int main(int argc, char** argv) {
  rd_kafka_t* host = nullptr;
  rd_kafka_mock_cluster_t* cluster = nullptr;
  std::string bootstrap = argc > 2 ? argv[1] : "";
  const std::string prefix = argc > 2 ? argv[2] : "carbongate";
  if (bootstrap.empty()) {
    host = make(RD_KAFKA_PRODUCER, {{"test.mock.num.brokers", std::to_string(kServers)}});
    cluster = rd_kafka_handle_mock_cluster(host);
    for (const char* kind : kKinds) {
      rd_kafka_mock_topic_create(cluster, (prefix + "." + kind).c_str(), kPartitions, kServers);
    }
    bootstrap = rd_kafka_mock_cluster_bootstraps(cluster);
  }
  std::cout << boost::json::serialize(boost::json::object{{"bootstrap", bootstrap}}) << std::endl;
  std::atomic<bool> is_over = false;
  std::thread listener([&] { listen(bootstrap, prefix, is_over); });
  for (std::string command; std::getline(std::cin, command);) {
    for (int server = 1; cluster && server <= kServers; ++server) {
      if (command == "down") rd_kafka_mock_broker_set_down(cluster, server);
      if (command == "up") rd_kafka_mock_broker_set_up(cluster, server);
    }
  }
  is_over = true;
  listener.join();
  if (host) rd_kafka_destroy(host);
}

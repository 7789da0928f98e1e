// Messages to Kafka through librdkafka. <librdkafka/...> is included by producer.cc, and nowhere else.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/sinks/kafka/config.h"
#include "protocols/io/blocking_thread.h"

namespace carbongate::sinks::kafka {

struct Record {
  std::string topic;
  std::string key;  // records of one key stay in order
  std::string value;
};

struct Produced {
  std::size_t settled = 0;  // of the records, from the first on: acknowledged, or refused
  std::vector<std::pair<std::size_t, std::string>> refused;  // can never be sent, and why
  std::string trouble;                                       // why the rest is not
};

// Idempotent: what librdkafka tries again by itself is stored once. After trouble a new producer begins, for which a
// record that is offered again is another one. Blocks on a thread of its own.
class Producer {
 public:
  explicit Producer(const Config& config);
  ~Producer();

  // Records that are not settled may have arrived all the same. One call at a time; one that is cancelled completes
  // soon, with `trouble`.
  boost::asio::awaitable<Produced> produce(std::vector<Record> records);

 private:
  class Session;

  std::shared_ptr<Session> session_;
  io::BlockingThread thread_;
};

}  // namespace carbongate::sinks::kafka

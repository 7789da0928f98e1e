#include "gateway/sinks/kafka/producer.h"

#include <librdkafka/rdkafka.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>

#include "protocols/io/elsewhere.h"

namespace carbongate::sinks::kafka {

using namespace std::chrono_literals;

namespace {

constexpr auto kStep = 50ms;  // how soon a stop is noticed
constexpr auto kGrace = 500ms;

struct Destroy {
  void operator()(rd_kafka_t* producer) const { rd_kafka_destroy(producer); }
};

}  // namespace

// On the producer's thread from beginning to end; librdkafka calls back within rd_kafka_poll().
class Producer::Session {
 public:
  explicit Session(Config config) : config_(std::move(config)) {}

  Produced produce(const std::vector<Record>& records, io::BlockingThread::Queue& queue);
  void close();

 private:
  void open();
  void set(rd_kafka_conf_t* conf, const char* name, const std::string& value);
  void send(const std::vector<Record>& records, io::BlockingThread::Queue& queue);
  Produced outcome(io::BlockingThread::Queue& queue) const;

  static void on_report(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque);
  static void on_error(rd_kafka_t*, int error, const char* reason, void* opaque);

  Config config_;
  std::unique_ptr<rd_kafka_t, Destroy> producer_;
  std::vector<std::optional<rd_kafka_resp_err_t>> reports_;  // of the records under way
  std::vector<bool> is_not_taken_;                           // of them: librdkafka itself will not have it
  std::size_t open_ = 0;                                     // of those without a report
  std::string last_error_;
  bool is_out_of_reach_ = false;
};

void Producer::Session::set(rd_kafka_conf_t* conf, const char* name, const std::string& value) {
  char text[512];
  if (rd_kafka_conf_set(conf, name, value.c_str(), text, sizeof text) != RD_KAFKA_CONF_OK) {
    rd_kafka_conf_destroy(conf);
    throw std::runtime_error(text);
  }
}

void Producer::Session::open() {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", config_.bootstrap);
  set(conf, "client.id", "carbongate");
  set(conf, "enable.idempotence", "true");
  set(conf, "message.timeout.ms", std::to_string(config_.timeout.count()));
  set(conf, "compression.codec", config_.compression);
  set(conf, "linger.ms", "5");
  set(conf, "socket.keepalive.enable", "true");
  const bool has_login = !config_.username.empty();
  set(conf, "security.protocol",
      has_login ? (config_.tls ? "SASL_SSL" : "SASL_PLAINTEXT") : (config_.tls ? "SSL" : "PLAINTEXT"));
  if (!config_.ca_file.empty()) set(conf, "ssl.ca.location", config_.ca_file);
  if (has_login) {
    set(conf, "sasl.mechanism", config_.mechanism);
    set(conf, "sasl.username", config_.username);
    set(conf, "sasl.password", config_.password.reveal());
  }
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_dr_msg_cb(conf, &on_report);
  rd_kafka_conf_set_error_cb(conf, &on_error);
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char* facility, const char* text) {
    spdlog::debug("kafka: {}: {}", facility, text);
  });
  char text[512];
  rd_kafka_t* made = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
  if (!made) {
    rd_kafka_conf_destroy(conf);
    throw std::runtime_error(text);
  }
  producer_.reset(made);
}

// Also what librdkafka still has of records: they are offered again.
void Producer::Session::close() {
  if (!producer_) return;
  rd_kafka_purge(producer_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
  rd_kafka_poll(producer_.get(), 0);
  producer_.reset();
}

void Producer::Session::on_report(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto& self = *static_cast<Session*>(opaque);
  auto& report = self.reports_.at(reinterpret_cast<std::size_t>(message->_private));
  if (!report) --self.open_;
  report = message->err;
}

void Producer::Session::on_error(rd_kafka_t*, int error, const char* reason, void* opaque) {
  auto& self = *static_cast<Session*>(opaque);
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || error == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
    self.is_out_of_reach_ = true;
  }
  if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || self.last_error_.empty()) self.last_error_ = reason;
}

Produced Producer::Session::produce(const std::vector<Record>& records, io::BlockingThread::Queue& queue) {
  reports_.assign(records.size(), std::nullopt);
  is_not_taken_.assign(records.size(), false);
  open_ = records.size();
  last_error_.clear();
  is_out_of_reach_ = false;
  try {
    if (!producer_) open();
    send(records, queue);
  } catch (const std::runtime_error& error) {
    last_error_ = error.what();
  }
  Produced produced = outcome(queue);
  if (!produced.trouble.empty()) close();
  return produced;
}

void Producer::Session::send(const std::vector<Record>& records, io::BlockingThread::Queue& queue) {
  // A limit of its own: librdkafka reports what timed out late, or not at all, while it cannot get back to its servers.
  // A poll in which something happened does not count.
  const auto limit = config_.timeout + kGrace;
  auto waited = 0ms;
  const auto is_to_end = [&] { return is_out_of_reach_ || queue.is_to_end() || waited >= limit; };
  const auto poll = [&] {
    if (rd_kafka_poll(producer_.get(), static_cast<int>(kStep.count())) == 0) waited += kStep;
  };
  for (std::size_t i = 0; i < records.size() && !is_to_end();) {
    const Record& record = records[i];
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        producer_.get(), RD_KAFKA_V_TOPIC(record.topic.c_str()), RD_KAFKA_V_KEY(record.key.data(), record.key.size()),
        RD_KAFKA_V_VALUE(const_cast<char*>(record.value.data()), record.value.size()),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(i)), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      poll();
      continue;
    }
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {  // there will be no report
      reports_[i] = error;
      is_not_taken_[i] = true;
      --open_;
    }
    ++i;
  }
  while (open_ != 0 && !is_to_end()) poll();
}

// A record that is larger than librdkafka takes will be so the next time. What servers say of a batch may be meant for
// another record in it, and is about their configuration: it waits.
Produced Producer::Session::outcome(io::BlockingThread::Queue& queue) const {
  Produced produced;
  for (std::size_t i = 0; i < reports_.size(); ++i) {
    const auto& report = reports_[i];
    if (report == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && is_not_taken_[i]) {
      produced.refused.emplace_back(produced.settled, rd_kafka_err2str(*report));
    } else if (report != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (queue.is_to_end()) {
        produced.trouble = "stopped";
      } else if (!last_error_.empty()) {
        produced.trouble = last_error_;
      } else {
        produced.trouble =
            config_.bootstrap + ": " + (report ? rd_kafka_err2str(*report) : "no acknowledgement in time");
      }
      break;
    }
    ++produced.settled;
  }
  return produced;
}

Producer::Producer(const Config& config)
    : session_(std::make_shared<Session>(config)), thread_([session = session_] { session->close(); }) {}

Producer::~Producer() = default;

boost::asio::awaitable<Produced> Producer::produce(std::vector<Record> records) {
  const auto queue = thread_.queue();
  auto work = [session = session_, queue, records = std::move(records)] { return session->produce(records, *queue); };
  co_return co_await io::elsewhere<Produced>([queue](std::function<void()> run) { queue->post(std::move(run)); },
                                             std::move(work), [queue] { queue->cancel(); });
}

}  // namespace carbongate::sinks::kafka

#include "gateway/sinks/mqtt/mqtt_sink.h"

#include <utility>
#include <vector>

#include "gateway/sinks/shared/message_batch.h"

namespace carbongate::sinks::mqtt {

namespace asio = boost::asio;

namespace {

constexpr std::uint64_t kLookedBack = 20'000;  // rows

}  // namespace

MqttSink::MqttSink(Config config, std::string store, std::unique_ptr<carbongate::mqtt::Publisher> publisher,
                   io::Clock& clock, ports::Store* journal)
    : config_(std::move(config)),
      store_(std::move(store)),
      clock_(clock),
      publisher_(std::move(publisher)),
      writer_(config_, store_),
      health_(config_.name, clock),
      journal_(config_.retain ? journal : nullptr) {}

// A late reading is to take the place of no newer one that was sent before this start.
asio::awaitable<model::Result<void>> MqttSink::look_back(std::uint64_t before) {
  const auto readings = co_await journal_->readings_before(before, kLookedBack);
  if (!readings) co_return readings.error();
  for (const model::StoredRow& row : *readings) writer_.note(row);
  journal_ = nullptr;
  co_return model::Result<void>();
}

asio::awaitable<model::Result<ports::Delivery>> MqttSink::publish(std::span<const model::StoredRow> rows,
                                                                  bool are_old) {
  if (rows.empty()) co_return ports::Delivery{};
  if (journal_ && !are_old) {
    if (auto known = co_await look_back(rows.front().sequence); !known) co_return std::move(known).error();
  }
  shared::MessageBatch batch(rows);
  std::vector<carbongate::mqtt::Outgoing> messages;
  for (const model::StoredRow& row : rows) {
    std::string why_not;
    if (auto message = writer_.write(row, are_old, why_not)) {
      messages.push_back(std::move(*message));
      batch.add(row.sequence);
    } else {
      batch.refuse(row.sequence, std::move(why_not));
    }
  }
  carbongate::mqtt::Published published;
  const Instant sent = clock_.now();
  if (batch.has_messages()) {
    health_.request();
    published = co_await publisher_->publish(std::move(messages));
  }
  batch.note_in({.log = &log_, .store = store_, .sent = sent, .now = clock_.now()});
  for (auto& [message, words] : published.refused) batch.refuse_message(message, std::move(words));
  co_return std::move(batch).finish(published.settled, published.trouble, health_);
}

}  // namespace carbongate::sinks::mqtt

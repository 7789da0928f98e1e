#include "gateway/sinks/mqtt/mqtt_sink.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace carbongate::sinks::mqtt {

namespace asio = boost::asio;

MqttSink::MqttSink(Config config, std::string store, std::unique_ptr<carbongate::mqtt::Publisher> publisher,
                   io::Clock& clock)
    : config_(std::move(config)),
      publisher_(std::move(publisher)),
      writer_(config_, std::move(store)),
      health_(config_.name, clock) {}

asio::awaitable<model::Result<ports::Delivery>> MqttSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  std::vector<carbongate::mqtt::Outgoing> messages;
  std::vector<std::uint64_t> sequences;  // of message i
  std::vector<ports::RejectedRow> rejected;
  for (const model::StoredRow& row : rows) {
    std::string why_not;
    if (auto message = writer_.write(row, why_not)) {
      messages.push_back(std::move(*message));
      sequences.push_back(row.sequence);
    } else {
      rejected.push_back({row.sequence, std::move(why_not)});
    }
  }
  carbongate::mqtt::Published published;
  if (!messages.empty()) {
    health_.request();
    published = co_await publisher_->publish(std::move(messages));
  }
  std::uint64_t settled_through = rows.back().sequence;
  if (published.trouble.empty()) {
    health_.success();
  } else {
    const model::Fault fault{make_error_code(boost::system::errc::connection_aborted), std::move(published.trouble)};
    health_.fault(fault);
    settled_through = sequences.at(published.settled) - 1;
    if (settled_through < rows.front().sequence) co_return fault;
  }
  for (auto& [message, words] : published.refused) rejected.push_back({sequences.at(message), std::move(words)});
  std::ranges::sort(rejected, {}, &ports::RejectedRow::sequence);
  std::erase_if(rejected, [&](const ports::RejectedRow& row) { return row.sequence > settled_through; });
  const auto settled =
      std::ranges::count_if(rows, [&](const model::StoredRow& row) { return row.sequence <= settled_through; });
  health_.status().rows_accepted += static_cast<std::uint64_t>(settled) - rejected.size();
  health_.status().rows_rejected += rejected.size();
  co_return ports::Delivery{settled_through, std::move(rejected)};
}

}  // namespace carbongate::sinks::mqtt

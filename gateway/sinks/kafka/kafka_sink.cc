#include "gateway/sinks/kafka/kafka_sink.h"

#include <utility>
#include <vector>

#include "gateway/sinks/shared/message_batch.h"
#include "gateway/tables/row_cells.h"

namespace carbongate::sinks::kafka {

KafkaSink::KafkaSink(Config config, std::string store, io::Clock& clock)
    : config_(std::move(config)),
      store_(std::move(store)),
      clock_(clock),
      json_(config_.time_zone, store_, config_.escalated_from),
      health_(config_.name, clock),
      producer_(config_) {}

boost::asio::awaitable<model::Result<ports::Delivery>> KafkaSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  shared::MessageBatch batch(rows);
  std::vector<Record> records;
  for (const model::StoredRow& row : rows) {
    Record record{
        config_.topic_of(tables::name_of(tables::kind_of(row.body))), row.series->device + "." + row.series->point, {}};
    if (json_.write(row, record.value)) {
      records.push_back(std::move(record));
      batch.add(row.sequence);
    } else {
      batch.refuse(row.sequence, std::move(record.value));
    }
  }
  Produced produced;
  const Instant sent = clock_.now();
  if (batch.has_messages()) {
    health_.request();
    produced = co_await producer_.produce(std::move(records));
  }
  batch.note_in({.log = &log_, .store = store_, .sent = sent, .now = clock_.now()});
  for (auto& [record, words] : produced.refused) batch.refuse_message(record, std::move(words));
  co_return std::move(batch).finish(produced.settled, produced.trouble, health_);
}

}  // namespace carbongate::sinks::kafka

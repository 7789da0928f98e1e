// A row as an MQTT message.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "gateway/model/rows.h"
#include "gateway/sinks/mqtt/config.h"
#include "gateway/tables/local_time.h"
#include "protocols/mqtt/publisher.h"

namespace carbongate::sinks::mqtt {

// One JSON object: the columns of `carbongate export --format jsonl`, then
//   kind   readings, intervals, entries, rollups or totals
//   site
//   key    store and sequence, "0123456789abcdef-42": a message that comes again has the same; nothing else has it
//
// Not thread-safe.
class MessageWriter {
 public:
  // `config` outlives it. `store`: the store's id.
  MessageWriter(const Config& config, std::string store)
      : config_(config), store_(std::move(store)), time_(config.time_zone) {}

  // nullopt: `why_not` says what is wrong with the row.
  std::optional<carbongate::mqtt::Outgoing> write(const model::StoredRow& row, std::string& why_not);

 private:
  bool is_newest(const std::string& topic, const model::StoredRow& row);

  const Config& config_;
  std::string store_;
  tables::LocalTime time_;
  std::unordered_map<std::string, Instant> newest_;  // by topic, if messages are retained
};

}  // namespace carbongate::sinks::mqtt

// A row as an MQTT message.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "gateway/model/rows.h"
#include "gateway/sinks/mqtt/config.h"
#include "gateway/sinks/shared/json_row.h"
#include "protocols/mqtt/publisher.h"

namespace carbongate::sinks::mqtt {

// The payload: gateway/sinks/shared/json_row.h. Not thread-safe.
class MessageWriter {
 public:
  // `config` outlives it. `store`: the store's id.
  MessageWriter(const Config& config, std::string store)
      : config_(config), json_(config.time_zone, std::move(store), config.escalated_from) {}

  void note(const model::StoredRow& row) { (void)is_newest(config_.topic.topic_of(row), row); }  // sent before

  // nullopt: `why_not` says what is wrong with the row. `is_old`: it is not one for the broker to keep.
  std::optional<carbongate::mqtt::Outgoing> write(const model::StoredRow& row, bool is_old, std::string& why_not);

 private:
  bool is_newest(const std::string& topic, const model::StoredRow& row);

  const Config& config_;
  shared::JsonRow json_;
  std::unordered_map<std::string, Instant> newest_;  // by topic, if messages are retained
};

}  // namespace carbongate::sinks::mqtt

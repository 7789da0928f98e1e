#include "gateway/sinks/mqtt/message.h"

namespace carbongate::sinks::mqtt {
namespace {

constexpr std::size_t kTopicBytesMax = 65'535;  // of the protocol

Instant time_of(const model::RowBody& body) {
  return body.visit([](const auto& row) {
    if constexpr (requires { row.at; })
      return row.at;
    else
      return row.begin;
  });
}

}  // namespace

std::optional<carbongate::mqtt::Outgoing> MessageWriter::write(const model::StoredRow& row, bool is_old,
                                                               std::string& why_not) {
  carbongate::mqtt::Outgoing message;
  message.topic = config_.topic.topic_of(row);
  if (message.topic.size() > kTopicBytesMax) {
    why_not = "its topic is longer than a topic may be";
    return std::nullopt;
  }
  if (!json_.write(row, message.payload)) {
    why_not = message.payload;
    return std::nullopt;
  }
  message.retained = config_.retain && !is_old && is_newest(message.topic, row);
  return message;
}

// A late row does not take the place of a newer one.
bool MessageWriter::is_newest(const std::string& topic, const model::StoredRow& row) {
  const Instant at = time_of(row.body);
  const auto [known, is_first] = newest_.try_emplace(topic, at);
  if (!is_first && at < known->second) return false;
  known->second = at;
  return true;
}

}  // namespace carbongate::sinks::mqtt

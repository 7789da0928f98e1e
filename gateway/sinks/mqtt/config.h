// One element of `sinks` with `type: mqtt`; sample.yaml beside this file shows every key.
#pragma once

#include <cstddef>
#include <string>

#include "config/reader/reader.h"
#include "gateway/sinks/mqtt/topic_template.h"
#include "protocols/mqtt/session.h"

namespace carbongate::sinks::mqtt {

inline constexpr std::string_view kDefaultTopic = "carbongate/{site}/{kind}/{device}/{point}";

struct Config {
  std::string name;  // unique among the sinks
  carbongate::mqtt::SessionOptions session;
  TopicTemplate topic = *TopicTemplate::parse(kDefaultTopic);
  std::string time_zone = "UTC";  // of the site: of times in the payload
  std::string escalated_from;     // the sink in whose place it tells; "": none. Not read: the sink's context has it
  bool retain = false;            // the broker keeps the newest message of each topic
  std::size_t in_flight = 100;    // messages that are not acknowledged yet
  std::size_t batch_rows = 1'000;

  // Problems go to the reader; what comes back then is not to be used. `root`: of the whole configuration.
  static Config from(config::Reader& in, const config::Node& root);
};

}  // namespace carbongate::sinks::mqtt

// One element of `sinks` with `type: kafka`; sample.yaml beside this file shows every key.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "config/reader/reader.h"
#include "config/reader/secret.h"

namespace carbongate::sinks::kafka {

struct Config {
  std::string name;                         // unique among the sinks
  std::string bootstrap;                    // "a.park.example:9092,b.park.example:9092"
  std::string topic = "carbongate.{kind}";  // {kind}: readings, intervals, entries, rollups, totals, alerts, reports
  std::string time_zone = "UTC";            // of the site: of times in the payload
  std::string escalated_from;  // the sink in whose place it tells; "": none. Not read: the sink's context has it
  bool tls = false;
  std::string ca_file;   // "": those the machine trusts
  std::string username;  // "": no login
  config::Secret password;
  std::string mechanism = "SCRAM-SHA-512";  // of the login
  std::string compression = "lz4";
  std::size_t batch_rows = 5'000;
  std::chrono::milliseconds timeout{30'000};  // of one message, from being offered to being acknowledged

  // Problems go to the reader; what comes back then is not to be used. `root`: of the whole configuration.
  static Config from(config::Reader& in, const config::Node& root);

  std::string topic_of(std::string_view kind) const;
};

}  // namespace carbongate::sinks::kafka

// One element of `sinks` with `type: syslog`; sample.yaml beside this file shows every key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "config/reader/reader.h"
#include "gateway/sinks/shared/notice.h"
#include "protocols/syslog/connection.h"

namespace carbongate::sinks::syslog {

struct Config {
  std::string name;  // by default "syslog" and the server
  carbongate::syslog::Server server;
  std::uint8_t facility = 16;
  std::string host;              // HOSTNAME of messages; by default the site
  std::uint32_t enterprise = 0;  // private enterprise number of structured data; 0: there are none
  shared::NoticeConfig notice;   // its headline is sent
  std::size_t batch_rows = 100;  // of one connection

  // Problems go to the reader; what comes back then is not to be used.
  static Config from(config::Reader& in, const config::Node& root);
};

}  // namespace carbongate::sinks::syslog

// One element of `sinks` with `type: mail`; sample.yaml beside this file shows every key.
#pragma once

#include <cstddef>
#include <string>

#include "config/reader/reader.h"
#include "gateway/sinks/shared/notice.h"
#include "protocols/smtp/mailer.h"

namespace carbongate::sinks::mail {

struct Config {
  std::string name;  // by default the address it goes to
  smtp::Server server;
  std::string from;
  std::string to;
  shared::NoticeConfig notice;
  std::size_t batch_rows = 20;  // of one mail

  // Problems go to the reader; what comes back then is not to be used.
  static Config from_keys(config::Reader& in, const config::Node& root);
};

}  // namespace carbongate::sinks::mail

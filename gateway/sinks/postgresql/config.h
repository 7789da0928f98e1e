// One element of `sinks` with `type: postgresql`; sample.yaml beside this file shows every key.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "config/reader/reader.h"
#include "config/reader/secret.h"
#include "gateway/sinks/postgresql/hosts.h"

namespace carbongate::sinks::postgresql {

struct Config {
  std::string name;       // the cursor's name in the journal
  Parameters parameters;  // for libpq, without the password
  config::Secret password;
  std::string where;  // for messages: "postgresql://db.park.example:5432/park"
  std::string schema = "carbongate";
  std::size_t batch_rows = 10'000;
  std::chrono::milliseconds timeout{30'000};  // of connecting, and of one transaction

  // Problems go to the reader; what comes back then is not to be used.
  static Config from(config::Reader& in);
};

}  // namespace carbongate::sinks::postgresql

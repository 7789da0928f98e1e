// One element of `sinks` with `type: line-protocol`; sample.yaml beside this file shows every key.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "config/reader/reader.h"
#include "config/reader/secret.h"
#include "gateway/sinks/shared/row_kind.h"
#include "protocols/io/http_client.h"

namespace carbongate::sinks::line_protocol {

struct Config {
  std::string name;  // the cursor's name in the journal
  io::HttpServer server;
  std::string target;    // "/write?db=carbon&precision=ms"
  std::string where;     // for messages: "http://127.0.0.1:8428/write"
  std::string username;  // HTTP basic authentication, if not empty
  config::Secret password;
  config::Secret token;  // "Authorization: Token ...", if not empty
  bool gzip = true;
  std::size_t batch_rows = 1000;
  std::chrono::milliseconds timeout{10'000};  // of one request
  shared::RowKinds rows;                      // what is sent

  // Problems go to the reader; what comes back then is not to be used.
  static Config from(config::Reader& in);
};

}  // namespace carbongate::sinks::line_protocol

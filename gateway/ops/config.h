// What the section `ops` of a configuration says.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gateway/ops/access/login_limit.h"
#include "gateway/ops/access/sessions.h"
#include "protocols/io/http_listen.h"

namespace carbongate::ops {

struct Config {
  io::HttpListen listen;
  io::HttpServerLimits limits;
  std::size_t streams_max = 256;  // clients of /api/v1/stream at a time
  bool logins = false;            // false: whoever reaches it is an administrator; on loopback alone
  access::SessionLimits sessions = {};
  access::LoginTries login_tries = {};
  std::vector<std::string> origins = {};  // that pages of the gateway have behind a proxy: "https://park.example"
};

}  // namespace carbongate::ops

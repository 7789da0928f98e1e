// What the section `ops` of a configuration says.
#pragma once

#include <cstddef>

#include "protocols/io/http_listen.h"

namespace carbongate::ops {

struct Config {
  io::HttpListen listen;
  io::HttpServerLimits limits;
  std::size_t streams_max = 256;  // clients of /api/v1/stream at a time
  bool logins = false;            // false: whoever reaches it is an administrator; on loopback alone
};

}  // namespace carbongate::ops

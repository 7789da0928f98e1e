// Errors as RFC 9457 has them.
#pragma once

#include <string_view>

#include "gateway/model/errors.h"
#include "protocols/io/http_server.h"

namespace carbongate::ops {

// application/problem+json; `detail` is for people, and says what to do.
io::HttpAnswer problem(int status, std::string_view detail);

// Of what the store or the books say: 404 where there is nothing of that name, 400 for a name that is none, else 503.
io::HttpAnswer problem(const model::Fault& fault);

// A handler may throw it instead.
struct Refusal {
  int status = 400;
  std::string detail;
};

}  // namespace carbongate::ops

// Whether a request may be answered: asked before any handler.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <variant>

#include "gateway/ops/identity.h"
#include "gateway/ops/request.h"
#include "protocols/io/http_server.h"

namespace carbongate::ops {

class Admission {
 public:
  virtual ~Admission() = default;

  // Who it is, or the answer that refuses it: 401 if nobody is logged in, 403 if that one may not. Without a
  // required role everybody is admitted; the identity says who it is, if anyone. `changes`: it is not a mere question,
  // and has to be known to come from our own pages.
  virtual std::variant<Identity, io::HttpAnswer> admit(const io::HttpCall& call, std::optional<Role> required,
                                                       bool changes) = 0;

  // Whether what was admitted once may go on: a stream outlives the login that it began with.
  virtual bool is_still_valid(const Identity& who) = 0;

  // Notes that an admitted request was answered with this status. On disk when it completes, or the log says why not.
  virtual boost::asio::awaitable<void> note(const Request& request, int status) = 0;
};

}  // namespace carbongate::ops

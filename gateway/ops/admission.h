// Whether a request may be answered: asked before any handler.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "gateway/ops/identity.h"
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
};

// Logins are off, which is for loopback addresses alone: everybody is an administrator who comes by a name of this
// machine (else a page of elsewhere could come by a name of its own that leads here), and not from another site.
class OpenAdmission final : public Admission {
 public:
  std::variant<Identity, io::HttpAnswer> admit(const io::HttpCall& call, std::optional<Role> required,
                                               bool changes) override;
};

// Of a changing request: whether its Origin and Sec-Fetch-Site, if any, say that our own page sent it.
bool is_same_origin(const io::HttpCall& call);

}  // namespace carbongate::ops

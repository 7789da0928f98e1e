// Who a request is from, once that is known.
#pragma once

#include <optional>
#include <string>

#include "gateway/ops/access/identity.h"
#include "gateway/ops/access/role.h"

namespace carbongate::ops {

using access::Role;

struct Identity {
  std::string user;             // "" with logins off, and of nobody
  std::optional<Role> role;     // nullopt: nobody is logged in
  access::Identity login = {};  // by what; if there is a role
};

}  // namespace carbongate::ops

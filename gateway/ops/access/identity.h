// Who asks, once that is known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "drivers/api/reading.h"
#include "gateway/ops/access/role.h"
#include "gateway/ops/access/sessions.h"

namespace carbongate::access {

struct Identity {
  enum class Kind : std::uint8_t { anyone, session, token };
  Kind kind = Kind::anyone;  // anyone: logins are off
  std::string name = {};     // of the user or token; "" of anyone
  Role role = Role::administrator;
  std::string csrf = {};                      // of a session
  std::optional<Sessions::Key> session = {};  // of a session
  std::string token_id = {};                  // of a token
  Instant expires{};                          // of a session, unless it is used; of a token, the end of time if never
};

}  // namespace carbongate::access

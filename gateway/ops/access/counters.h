// What became of logins and requests.
#pragma once

#include <cstdint>

namespace carbongate::access {

struct Counters {
  std::uint64_t logins = 0;
  std::uint64_t logins_wrong = 0;    // a wrong password, or no such user
  std::uint64_t logins_limited = 0;  // too many tries, or too many checks at once
  std::uint64_t no_credentials = 0;
  std::uint64_t bad_credentials = 0;  // of no session and no token, or of one that has ended
  std::uint64_t from_elsewhere = 0;   // CSRF, by token or origin
  std::uint64_t not_allowed = 0;      // the role is not enough
};

}  // namespace carbongate::access

// What became of logins and requests since the process began.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gateway/ops/access/counters.h"

namespace carbongate::ops {

struct LoginFacts {
  access::Counters counters;
  std::size_t sessions = 0;  // now
  std::uint64_t sessions_pushed_out = 0;
  std::uint64_t audit_lost = 0;  // without an entry of their own in the audit log: counted there, or not written
};

}  // namespace carbongate::ops

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
  std::uint64_t audit_lost = 0;  // entries of the audit log that could not be written
};

}  // namespace carbongate::ops

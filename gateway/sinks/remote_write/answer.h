// What a server's answer to a remote-write request means.
//
// The specification lets a sender repeat what failed with 5xx or 429 and nothing else. But 4xx also stands for mistakes
// in the set-up, and for limits that somebody raises, and those shall cost no data: samples are given up only for a
// store's own words about samples or labels. Credentials, paths, tenants, limits, and whatever a proxy in front says
// ("missing route", of vmauth) are failures, to be tried again.
#pragma once

#include <string_view>

#include "protocols/http/write_answer.h"

namespace carbongate::sinks::remote_write {

// `body` is the answer's body, possibly cut short. `refused`: one sample at least cannot be taken; whether the others
// were is not known.
http::WriteAnswer read_answer(int status, std::string_view body);

}  // namespace carbongate::sinks::remote_write

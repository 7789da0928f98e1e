// What a server's answer to a remote-write request means.
//
// The specification lets a sender repeat what failed with 5xx or 429 and nothing else. But 4xx also stands for mistakes
// in the set-up, and those shall cost no data: a request is given up only for 400 and 422 in words of the store itself,
// such as "out of order sample", "out of bounds", a label that is too long. Credentials, paths, and the words of a
// proxy in front are failures, to be tried again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace carbongate::sinks::remote_write {

enum class Verdict : std::uint8_t {
  written,    // 2xx that says nothing
  refused,    // for good: one sample at least cannot be taken; whether the others were is not known
  too_large,  // 413: send fewer at once
  busy,       // 429, 5xx: later
  denied,     // 401, 403
  not_found,  // 404, or a path that the server does not know
  failed,     // anything else
};

struct Answer {
  Verdict verdict = Verdict::failed;
  std::string words;  // the server's own, on one line; "HTTP 502" if it said nothing
};

// `body` is the answer's body, possibly cut short.
Answer read_answer(int status, std::string_view body);

}  // namespace carbongate::sinks::remote_write

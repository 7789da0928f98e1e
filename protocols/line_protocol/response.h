// What a time-series store's answer to a write means for the lines of its body.
//
// InfluxDB answers 400 (1.x) or 422 (2.x) "partial write" when it refused some lines: the others ARE written. But 400
// also stands for a request that was wrong as a whole (no database named, a proxy that expected TLS), and then no line
// is to blame. Only an answer in the store's own words about lines counts as a refusal of lines; anything else is a
// failure, to be tried again, so that a mistake in the set-up costs no data.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace carbongate::line_protocol {

enum class Verdict {
  written,        // 2xx that says nothing: every line
  lines_refused,  // some or all lines, for good
  too_large,      // 413: send fewer at once
  busy,           // 429, 503: later
  denied,         // 401, 403: credentials
  not_found,      // 404: path or database
  failed,         // anything else
};

struct WriteAnswer {
  Verdict verdict = Verdict::failed;
  std::string words;  // the server's own, on one line, at most wire::kWordsBytesMax bytes; "HTTP 502" if it said nothing

  // How many points of the body the server says it dropped. A lower bound: it speaks of one shard only, and lines that
  // it could not parse are not in it.
  std::optional<std::size_t> dropped;
};

// `body` is the answer's body, possibly cut short.
WriteAnswer read_write_answer(int status, std::string_view body);

}  // namespace carbongate::line_protocol

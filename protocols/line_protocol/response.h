// What a time-series store's answer to a write means for the lines of its body.
//
// InfluxDB answers 400 (1.x) or 422 (2.x) "partial write" when it refused some lines: the others ARE written. But 400
// also stands for a request that was wrong as a whole (no database named, a proxy that expected TLS), and then no line
// is to blame; nor is one where the store has no room for another series (max-series-per-database, max-values-per-tag):
// somebody raises the limit, and the line is taken. Only an answer in the store's own words about lines counts as a
// refusal of lines; anything else is a failure, to be tried again, so that a mistake in the set-up costs no data.
#pragma once

#include <string_view>

#include "protocols/http/write_answer.h"

namespace carbongate::line_protocol {

// `body` is the answer's body, possibly cut short. `dropped` is what InfluxDB says of points that it dropped: it speaks
// of one shard only, and lines that it could not parse are not in it.
http::WriteAnswer read_write_answer(int status, std::string_view body);

}  // namespace carbongate::line_protocol

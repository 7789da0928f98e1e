// What a server's answer comes to: pure, so that every answer ever seen can be a test.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drivers/json/payload_map.h"
#include "protocols/io/http_client.h"

namespace carbongate::http_driver {

struct Answer {
  bool good = false;        // the server said what it has; `detail` may name values that could not be read
  bool lasting = false;     // not good, and asking again soon will not help
  std::string detail = {};  // "HTTP 503: try later"; "" if all is well
  std::optional<Duration> retry_after = {};
  std::vector<Sample> samples = {};  // in the order of their times
  bool unchanged = false;            // HTTP 304: there is nothing new
};

// The longest wait that a server may ask for with Retry-After.
inline constexpr std::chrono::hours kRetryAfterMax{1};

// `conditional`: we asked for what has changed.
Answer judge(const io::HttpResponse& response, const json_payload::PayloadMap& map, std::size_t body_max,
             Instant received, bool conditional);

// Of a request without an answer.
Answer no_answer(const io::HttpFailure& failure);

// Takes away what the answer before had too: the same value of the same point at the same time. A server gives what it
// has again until it has something new, lists with most of their records again and again.
class Repeats {
 public:
  void remove(std::vector<Sample>& samples);

 private:
  std::vector<Sample> before_;  // sorted
};

}  // namespace carbongate::http_driver

// What a store's answer to a write over HTTP means, as far as the status tells it for every kind of store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carbongate::http {

enum class Verdict : std::uint8_t {
  written,    // 2xx that says nothing: all of it
  refused,    // for good: some of it at least
  too_large,  // 413: send less at once
  busy,       // 429, 5xx, or no room: later
  denied,     // 401, 403: credentials
  not_found,  // 404: path or database
  failed,     // anything else
};

struct WriteAnswer {
  Verdict verdict = Verdict::failed;
  std::string
      words;  // the server's own, on one line, at most wire::kWordsBytesMax bytes; "HTTP 502" if it said nothing

  // How many items the server says it dropped. A lower bound.
  std::optional<std::size_t> dropped = {};
};

// `said`: the server's words. Never `refused`: 400 stands for mistakes in the set-up as well, and only who knows the
// store's own words about what it was sent can tell.
WriteAnswer answer_by_status(int status, std::string_view said);

}  // namespace carbongate::http

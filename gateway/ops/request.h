// A request, understood: what a handler gets.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/ops/identity.h"
#include "protocols/io/http_server.h"

namespace carbongate::ops {

struct Request {
  io::HttpCall call;
  std::string path;                          // decoded
  std::vector<std::string> parameters = {};  // of the route's template, decoded, in its order
  std::map<std::string, std::string, std::less<>> query = {};
  Identity who = {};
  bool is_noted = false;  // in the audit log, once it is answered

  // nullptr: it is not given.
  const std::string* find(std::string_view key) const {
    const auto found = query.find(key);
    return found == query.end() ? nullptr : &found->second;
  }
  std::string text(std::string_view key, std::string fallback = {}) const {
    const std::string* given = find(key);
    return given ? *given : fallback;
  }

  // Throw a Refusal that names the key for what is none.
  std::uint64_t number(std::string_view key, std::uint64_t fallback, std::uint64_t min, std::uint64_t max) const;
  std::string one_of(std::string_view key, std::initializer_list<std::string_view> words) const;  // the first: absent
};

struct Target {
  std::vector<std::string> segments;  // of the path, decoded; of "/" none
  std::map<std::string, std::string, std::less<>> query;
};

// Path and query of a target, percent-decoded (RFC 3986). nullopt: broken percent-encoding, control characters, text
// that is not UTF-8, a segment "." or "..", an empty segment in the middle, or a key given twice.
std::optional<Target> parse_target(std::string_view target);

bool is_utf8(std::string_view text);

}  // namespace carbongate::ops

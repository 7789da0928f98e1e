// What a server said, for a log line or a dead letter.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace carbongate::wire {

inline constexpr std::size_t kWordsBytesMax = 500;

// The text on one line: control characters become blanks, those at the ends go. At most `bytes_max` (>= 4) bytes, the
// last three of them dots if it was longer; no UTF-8 character is cut in two.
std::string one_line(std::string text, std::size_t bytes_max = kWordsBytesMax);

// Whether a body is an HTML page, as proxies and logins answer who wanted something else.
bool is_web_page(std::string_view body);

}  // namespace carbongate::wire

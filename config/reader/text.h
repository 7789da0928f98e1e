// Checks and prints of text that comes from outside.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace carbongate::config {

// Offset of the first byte that does not belong to UTF-8 text (RFC 3629), or is a control character other than tab,
// line feed and carriage return. nullopt: it is text.
std::optional<std::size_t> find_invalid_text(std::string_view text);

// For messages: control characters replaced, cut after `bytes_max`.
std::string printable(std::string_view text, std::size_t bytes_max = 80);

}  // namespace carbongate::config

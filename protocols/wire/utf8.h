// Text in UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace carbongate::wire {

// At most so many bytes of the text, from its begin; no character is cut in two. Of what is no UTF-8 it may be none.
constexpr std::string_view first_bytes(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0U) == 0x80U) --bytes_max;
  return text.substr(0, bytes_max);
}

}  // namespace carbongate::wire

// What servers say in words of their own.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

namespace carbongate::http {

// Whether one of the phrases is among the words.
inline bool has_one_of(std::string_view words, std::span<const std::string_view> phrases) {
  return std::ranges::any_of(phrases, [&](std::string_view phrase) { return words.find(phrase) != words.npos; });
}

}  // namespace carbongate::http

#include "protocols/wire/one_line.h"

#include <algorithm>
#include <cctype>

#include "protocols/wire/utf8.h"

namespace carbongate::wire {

std::string one_line(std::string text, std::size_t bytes_max) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  text = text.substr(first, text.find_last_not_of(' ') - first + 1);
  if (text.size() > bytes_max) {
    text.resize(first_bytes(text, bytes_max - 3).size());
    text += "...";
  }
  return text;
}

bool is_web_page(std::string_view body) {
  constexpr std::size_t kLookedAt = 512;
  std::string begin(body.substr(0, kLookedAt));
  std::ranges::transform(begin, begin.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return begin.find("<!doctype html") != begin.npos || begin.find("<html") != begin.npos;
}

}  // namespace carbongate::wire

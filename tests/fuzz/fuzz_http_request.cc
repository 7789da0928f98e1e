// The head of a request and its target: what is accepted holds none of what two readers could understand in two ways.
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/ops/request.h"
#include "protocols/io/http_head.h"

namespace {

namespace ops = carbongate::ops;

void check(bool holds) {
  if (!holds) std::abort();
}

std::size_t count(std::string_view text, std::string_view word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

void check_head(std::string_view input) {
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) return;
  std::string head(input.substr(0, end + 4));
  if (!carbongate::io::objection_to_head(head).empty()) return;
  std::ranges::transform(head, head.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  check(count(head, "\n") == count(head, "\r\n") && count(head, "\r") == count(head, "\r\n"));
  check(head.find('\0') == std::string::npos);
  check(count(head, "\r\n ") == 0 && count(head, "\r\n\t") == 0);
  const std::size_t lengths = count(head, "\r\ncontent-length:");
  const std::size_t encodings = count(head, "\r\ntransfer-encoding:");
  check(lengths + encodings <= 1);
  check(count(head, "\r\nhost:") <= 1);
}

void check_text(const std::string& text) {
  check(ops::is_utf8(text));
  check(std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_head(input);
  const auto target = ops::parse_target(input);
  if (!target) return 0;
  for (std::size_t i = 0; i < target->segments.size(); ++i) {
    const std::string& segment = target->segments[i];
    check_text(segment);
    check(segment != "." && segment != ".." && (!segment.empty() || i + 1 == target->segments.size()));
  }
  for (const auto& [key, value] : target->query) {
    check_text(key);
    check_text(value);
  }
  return 0;
}

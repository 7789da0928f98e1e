#include "protocols/io/http_head.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace carbongate::io {
namespace {

bool is_token(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Of the request line: METHOD SP target SP HTTP/1.x, single blanks.
std::string_view objection_to_request_line(std::string_view line) {
  const std::size_t method = line.find(' ');
  const std::size_t target = line.rfind(' ');
  if (method == std::string_view::npos || method == 0 || target == method) return "no request line";
  if (!std::ranges::all_of(line.substr(0, method), is_token)) return "no method";
  if (line.substr(method + 1, target - method - 1).find(' ') != std::string_view::npos) return "blanks in the target";
  return {};
}

}  // namespace

std::string_view objection_to_head(std::string_view head) {
  std::size_t lengths = 0;
  std::size_t encodings = 0;
  std::size_t hosts = 0;
  bool is_first = true;
  bool is_1_0 = false;
  while (!head.empty()) {
    const std::size_t end = head.find('\n');
    if (end == std::string_view::npos || end == 0 || head[end - 1] != '\r') return "a line that does not end by CR LF";
    const std::string_view line = head.substr(0, end - 1);
    head.remove_prefix(end + 1);
    const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f'; };
    if (std::ranges::any_of(line, is_control)) return "a control character";
    if (is_first) {
      if (const auto objection = objection_to_request_line(line); !objection.empty()) return objection;
      is_1_0 = line.ends_with(" HTTP/1.0");
      is_first = false;
      continue;
    }
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (line.front() == ' ' || line.front() == '\t') return "a folded line";
    if (colon == std::string_view::npos || colon == 0) return "a header without a name";
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (!std::ranges::all_of(name, is_token)) return "a header's name that is none";
    if (same(name, "content-length")) {
      ++lengths;
      const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
      if (value.empty() || value.size() > 18 || !std::ranges::all_of(value, is_digit)) return "no Content-Length";
    } else if (same(name, "transfer-encoding")) {
      ++encodings;
      if (!same(value, "chunked")) return "a Transfer-Encoding other than chunked";
    } else if (same(name, "host")) {
      ++hosts;
    }
  }
  if (lengths > 1) return "Content-Length twice";
  if (encodings > 1) return "Transfer-Encoding twice";
  if (lengths != 0 && encodings != 0) return "Content-Length and Transfer-Encoding";
  if (encodings != 0 && is_1_0) return "Transfer-Encoding in HTTP/1.0";
  if (hosts > 1 || (hosts == 0 && !is_1_0)) return "not one Host";
  return {};
}

}  // namespace carbongate::io

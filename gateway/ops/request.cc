#include "gateway/ops/request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "gateway/ops/problem.h"

namespace carbongate::ops {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<std::string> decode(std::string_view text, bool is_query) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && is_query) {
      c = ' ';
    } else if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const auto high = hex_digit(text[i + 1]);
      const auto low = hex_digit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high * 16 + *low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') return std::nullopt;
    out += c;
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
    if (size == 0 || i + size > text.size()) return false;
    char32_t point = size == 1 ? lead : lead & (0x7FU >> size);
    for (std::size_t k = 1; k < size; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      if ((byte & 0xC0) != 0x80) return false;
      point = (point << 6) | (byte & 0x3F);
    }
    const bool is_overlong = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
    if (is_overlong || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    i += size;
  }
  return true;
}

std::optional<Target> parse_target(std::string_view target) {
  Target parsed;
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  std::string_view path = target.substr(0, mark);
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const auto segment = decode(path.substr(0, end), false);
    if (!segment || segment->empty() || *segment == "." || *segment == "..") return std::nullopt;
    parsed.segments.push_back(*segment);
    if (end == path.size()) break;
    path.remove_prefix(end + 1);
    if (path.empty()) parsed.segments.emplace_back();  // "/a/" is another path than "/a"
  }
  std::string_view query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto key = decode(pair.substr(0, equals), true);
    const auto value = decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!key || !value) return std::nullopt;
    if (!pair.empty() && !parsed.query.emplace(*key, *value).second) return std::nullopt;
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return parsed;
}

std::uint64_t Request::number(std::string_view key, std::uint64_t fallback, std::uint64_t min,
                              std::uint64_t max) const {
  const std::string* given = find(key);
  if (!given) return fallback;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), value);
  if (given->empty() || error != std::errc() || end != given->data() + given->size() || value < min || value > max) {
    throw Refusal{400, fmt::format("{}: '{}' is no whole number from {} to {}", key, *given, min, max)};
  }
  return value;
}

std::string Request::one_of(std::string_view key, std::initializer_list<std::string_view> words) const {
  const std::string* given = find(key);
  if (!given) return std::string(*words.begin());
  if (std::ranges::find(words, *given) != words.end()) return *given;
  throw Refusal{400, fmt::format("{}: '{}' is not one of {}", key, *given, fmt::join(words, ", "))};
}

}  // namespace carbongate::ops

#include "protocols/mqtt/topic_filter.h"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace carbongate::mqtt {
namespace {

constexpr std::size_t kBytesMax = 65535;  // a two-byte length precedes every string, section 1.5.4
constexpr std::string_view kShare = "$share/";

// Takes levels off the front, one by one. "a//b" has the levels "a", "", "b"; "" has one, which is empty.
class Levels {
 public:
  explicit Levels(std::string_view text) : rest_(text) {}

  bool at_end() const { return ended_; }
  std::string_view rest() const { return ended_ ? std::string_view{} : rest_; }

  std::string_view next() {
    const std::size_t slash = rest_.find('/');
    const std::string_view level = rest_.substr(0, slash);
    ended_ = slash == std::string_view::npos;
    rest_ = ended_ ? std::string_view{} : rest_.substr(slash + 1);
    return level;
  }

 private:
  std::string_view rest_;
  bool ended_ = false;
};

// Well-formed UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF.
bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<std::uint8_t>(text[i++]);
    if (lead < 0x80) continue;
    const std::size_t more = lead >= 0xC2 && lead < 0xE0   ? 1
                             : lead >= 0xE0 && lead < 0xF0 ? 2
                             : lead >= 0xF0 && lead < 0xF5 ? 3
                                                           : 0;
    if (more == 0 || text.size() - i < more) return false;
    // Only the second byte has limits that depend on the first.
    const auto second = static_cast<std::uint8_t>(text[i]);
    const std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (second < low || second > high) return false;
    for (std::size_t k = 1; k < more; ++k) {
      if ((static_cast<std::uint8_t>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    i += more;
  }
  return true;
}

std::optional<std::string> string_problem(std::string_view text) {
  if (text.empty()) return "is empty";
  if (text.size() > kBytesMax) return "is longer than 65535 bytes";
  if (text.find('\0') != std::string_view::npos) return "contains a NUL character";
  if (!is_utf8(text)) return "is not valid UTF-8";
  return std::nullopt;
}

// Calls `captured` for what each wildcard stood for.
template <class Captured>
bool match(std::string_view filter, std::string_view topic, Captured captured) {
  if (topic.starts_with('$') && (filter.starts_with('+') || filter.starts_with('#'))) return false;
  Levels wanted(filter);
  Levels given(topic);
  while (!wanted.at_end()) {
    const std::string_view pattern = wanted.next();
    if (pattern == "#") {
      captured(given.rest());
      return true;
    }
    if (given.at_end()) return false;
    const std::string_view level = given.next();
    if (pattern == "+") {
      captured(level);
    } else if (pattern != level) {
      return false;
    }
  }
  return given.at_end();
}

}  // namespace

std::optional<std::string> topic_problem(std::string_view topic) {
  if (auto problem = string_problem(topic)) return problem;
  if (topic.find_first_of("+#") != std::string_view::npos)
    return "is a topic, and must not contain the wildcards + and #";
  return std::nullopt;
}

std::optional<std::string> filter_problem(std::string_view filter) {
  if (auto problem = string_problem(filter)) return problem;
  if (filter.starts_with(kShare)) {
    const std::string_view rest = filter.substr(kShare.size());
    const std::size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    if (name.empty() || name.find_first_of("+#") != std::string_view::npos) {
      return "needs a name without wildcards after $share/";
    }
    if (slash == std::string_view::npos || slash + 1 == rest.size())
      return "needs a filter after $share/" + std::string(name) + "/";
    filter = rest.substr(slash + 1);
  }
  Levels levels(filter);
  while (!levels.at_end()) {
    const std::string_view level = levels.next();
    if (level.size() > 1 && level.find_first_of("+#") != std::string_view::npos) {
      return "has the level '" + std::string(level) + "': a wildcard must stand alone between slashes";
    }
    if (level == "#" && !levels.at_end()) return "has # before its end: # must be the last level";
  }
  return std::nullopt;
}

bool matches(std::string_view filter, std::string_view topic) {
  return match(filter, topic, [](std::string_view) {});
}

std::optional<std::vector<std::string_view>> capture(std::string_view filter, std::string_view topic) {
  std::vector<std::string_view> captured;
  if (!match(filter, topic, [&](std::string_view level) { captured.push_back(level); })) return std::nullopt;
  return captured;
}

std::string_view without_share(std::string_view filter) {
  if (!filter.starts_with(kShare)) return filter;
  const std::size_t slash = filter.find('/', kShare.size());
  return slash == std::string_view::npos ? filter : filter.substr(slash + 1);
}

}  // namespace carbongate::mqtt

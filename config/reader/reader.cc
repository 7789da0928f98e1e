#include "config/reader/reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>
#include <utility>

#include "config/reader/text.h"

namespace carbongate::config {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kUnknownKeysListedMax = 20;  // of one map: more than that is a wrong file, not twenty slips
constexpr std::int64_t kDurationMaxMs = std::int64_t{1000} * 365 * 86'400'000;

struct DurationUnit {
  std::string_view name;
  std::int64_t ms;
};
constexpr DurationUnit kDurationUnits[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1000}, {"ms", 1}};

std::string quote(const Node& node) {
  return "'" + printable(node.scalar()) + "'";
}

std::string describe(const Node& node) {
  switch (node.type()) {
    case Node::Type::null: return "nothing";
    case Node::Type::scalar: return quote(node);
    case Node::Type::sequence: return "a list";
    case Node::Type::map: return "a map";
  }
  return "";
}

std::string number_text(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

template <class T>
std::string value_text(T value) {
  if constexpr (std::is_same_v<T, milliseconds>) {
    return format_duration(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return number_text(value);
  } else {
    return std::to_string(value);
  }
}

// What the scalar says, or why it cannot be that.
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string wrong;
};

template <class T>
Parsed<T> wrong(std::string text) {
  return {std::nullopt, std::move(text)};
}

template <class T>
Parsed<T> parse_integer(const Node& node) {
  if (node.quoted()) return wrong<T>("expected a whole number, found the text " + quote(node) + "; remove the quotes");
  std::string_view digits = node.scalar();
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    digits.remove_prefix(2);
    base = 16;
  }
  std::uint64_t magnitude = 0;
  const char* end = digits.data() + digits.size();
  const auto [parsed_to, code] = std::from_chars(digits.data(), end, magnitude, base);
  if (code == std::errc::invalid_argument || parsed_to != end) {
    return wrong<T>("expected a whole number, found " + quote(node));
  }
  const auto limit_low = static_cast<std::int64_t>(std::numeric_limits<T>::min());
  const auto limit_high = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
  const std::uint64_t reach = negative ? std::uint64_t{0} - static_cast<std::uint64_t>(limit_low) : limit_high;
  if (code == std::errc::result_out_of_range || magnitude > reach) {
    return wrong<T>(quote(node) + " is out of range; allowed: " + std::to_string(std::numeric_limits<T>::min()) +
                    " to " + std::to_string(std::numeric_limits<T>::max()));
  }
  return {static_cast<T>(negative ? std::uint64_t{0} - magnitude : magnitude), ""};
}

Parsed<double> parse_number(const Node& node) {
  if (node.quoted()) return wrong<double>("expected a number, found the text " + quote(node) + "; remove the quotes");
  std::string_view digits = node.scalar();
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto [parsed_to, code] = std::from_chars(digits.data(), end, value);
  if (code == std::errc::result_out_of_range) return wrong<double>(quote(node) + " is beyond what a number can hold");
  if (code != std::errc{} || parsed_to != end || !std::isfinite(value)) {
    return wrong<double>("expected a number, found " + quote(node));
  }
  return {value, ""};
}

Parsed<bool> parse_bool(const Node& node) {
  const std::string& text = node.scalar();
  if (node.quoted())
    return wrong<bool>("expected true or false, found the text " + quote(node) + "; remove the quotes");
  if (text == "true" || text == "True" || text == "TRUE") return {true, ""};
  if (text == "false" || text == "False" || text == "FALSE") return {false, ""};
  return wrong<bool>("expected true or false, found " + quote(node));
}

Parsed<milliseconds> parse_time(const Node& node) {
  if (const auto value = parse_duration(node.scalar())) return {*value, ""};
  const std::string& text = node.scalar();
  const bool bare = !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos;
  if (bare)
    return wrong<milliseconds>("'" + printable(text) + "' has no unit; write it as '" + printable(text) +
                               "s', or with ms, min, h, d");
  return wrong<milliseconds>("expected a duration such as 500ms, 1s, 15min, 2h or 180d, found " + quote(node));
}

template <class T>
Parsed<T> parse_scalar(const Node& node) {
  if constexpr (std::is_same_v<T, std::string>) {
    return {node.scalar(), ""};
  } else if constexpr (std::is_same_v<T, bool>) {
    return parse_bool(node);
  } else if constexpr (std::is_same_v<T, double>) {
    return parse_number(node);
  } else if constexpr (std::is_same_v<T, milliseconds>) {
    return parse_time(node);
  } else {
    return parse_integer<T>(node);
  }
}

template <class T>
std::string expected() {
  if constexpr (std::is_same_v<T, std::string>) return "a text";
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, double>) return "a number";
  if constexpr (std::is_same_v<T, milliseconds>) return "a duration";
  return "a whole number";
}

template <class T>
Parsed<T> parse_value(const Node& node) {
  if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    if (node.is_scalar()) return {std::vector{node.scalar()}, ""};
    if (!node.is_sequence()) return wrong<T>("expected a text or a list of texts, found " + describe(node));
    std::vector<std::string> out;
    for (const Node& item : node.items()) {
      if (!item.is_scalar()) return wrong<T>("expected a list of texts, found " + describe(item) + " in it");
      out.push_back(item.scalar());
    }
    return {std::move(out), ""};
  } else {
    if (!node.is_scalar()) return wrong<T>("expected " + expected<T>() + ", found " + describe(node));
    return parse_scalar<T>(node);
  }
}

std::string prefix(const Node& node) {
  return node.path().empty() ? "" : node.path() + ": ";
}

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  double number = 0;
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  const char* end = text.data() + text.size();
  const auto [parsed_to, code] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (code != std::errc{}) return std::nullopt;
  std::string_view unit(parsed_to, static_cast<std::size_t>(end - parsed_to));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const DurationUnit& known : kDurationUnits) {
    if (known.name != unit) continue;
    const double ms = number * static_cast<double>(known.ms);
    if (!(ms <= static_cast<double>(kDurationMaxMs)) || ms != std::floor(ms)) return std::nullopt;
    return milliseconds(static_cast<std::int64_t>(ms));
  }
  return std::nullopt;
}

std::string format_duration(milliseconds duration) {
  if (duration.count() == 0) return "0s";
  for (const DurationUnit& unit : kDurationUnits) {
    if (duration.count() % unit.ms == 0) return std::to_string(duration.count() / unit.ms) + std::string(unit.name);
  }
  return std::to_string(duration.count()) + "ms";
}

Reader::Reader(const Node& node, Problems& problems) : node_(node), problems_(problems) {
  if (node.is_map()) return;
  const Place& here = node.place();
  const bool known =
      node.is_null() && std::any_of(problems.all().begin(), problems.all().end(), [&](const Problem& other) {
        return other.severity == Problem::Severity::error && other.place.file == here.file &&
               other.place.line == here.line && other.place.column == here.column;
      });
  // A null node at the place of an error stands for a file that could not be read: said already.
  if (!known) problems_.error(here, prefix(node) + "expected a map ('key: value'), found " + describe(node));
}

const Node* Reader::find(std::string_view key) {
  if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) asked_.emplace_back(key);
  const Node* found = node_.find(key);
  return found && !found->is_null() ? found : nullptr;
}

bool Reader::has(std::string_view key) const {
  const Node* found = node_.find(key);
  return found && !found->is_null();
}

template <class T>
std::optional<T> Reader::optional(std::string_view key) {
  const Node* found = find(key);
  if (!found) return std::nullopt;
  auto [value, what_is_wrong] = parse_value<T>(*found);
  if (!value) error(key, std::move(what_is_wrong));
  return std::move(value);
}

template <class T>
T Reader::required(std::string_view key) {
  if (!find(key)) {
    missing(key);
    return T{};
  }
  return optional<T>(key).value_or(T{});
}

template <class T>
T Reader::in_range(std::string_view key, std::type_identity_t<T> fallback, std::type_identity_t<T> min,
                   std::type_identity_t<T> max) {
  const std::optional<T> value = optional<T>(key);
  if (!value) return fallback;
  if (*value < min || *value > max) {
    error(key, value_text(*value) + " is out of range; allowed: " + value_text<T>(min) + " to " + value_text<T>(max));
    return fallback;
  }
  return *value;
}

std::size_t Reader::one_of(std::string_view key, std::initializer_list<std::string_view> words, std::size_t fallback) {
  const auto word = optional<std::string>(key);
  if (!word) return fallback;
  const auto found = std::find(words.begin(), words.end(), *word);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  const std::vector<std::string> known(words.begin(), words.end());
  error(key, "unknown value '" + printable(*word) + "'" + suggestion(*word, known));
  return fallback;
}

const Node* Reader::child(std::string_view key) {
  return find(key);
}

const std::vector<Node>& Reader::items(std::string_view key) {
  static const std::vector<Node> kNone;
  const Node* found = find(key);
  if (!found) return kNone;
  if (!found->is_sequence()) error(key, "expected a list, found " + describe(*found));
  return found->items();
}

const std::vector<Node>& Reader::required_items(std::string_view key) {
  if (!find(key)) missing(key);
  return items(key);
}

void Reader::error(std::string_view key, std::string text) {
  const Node* at = node_.find(key);
  const std::string path = (node_.path().empty() ? "" : node_.path() + ".") + std::string(key);
  problems_.error(at ? at->place() : node_.place(), path + ": " + text);
}

void Reader::warning(std::string_view key, std::string text) {
  const Node* at = node_.find(key);
  const std::string path = (node_.path().empty() ? "" : node_.path() + ".") + std::string(key);
  problems_.warning(at ? at->place() : node_.place(), path + ": " + text);
}

void Reader::missing(std::string_view key, std::string text) {
  if (node_.is_map() && node_.is_complete()) error(key, std::move(text));
}

void Reader::finish() {
  std::vector<std::string> free;  // a key that is there already is not what another one was meant to be
  for (const std::string& key : asked_) {
    if (!node_.find(key)) free.push_back(key);
  }
  std::size_t unknown = 0;
  for (const Node::Member& member : node_.members()) {
    if (std::find(asked_.begin(), asked_.end(), member.key) != asked_.end()) continue;
    if (++unknown > kUnknownKeysListedMax) continue;
    const bool is_near = !nearest(member.key, free).empty();
    problems_.error(member.key_place, prefix(node_) + "unknown key '" + printable(member.key) + "'" +
                                          suggestion(member.key, is_near ? free : asked_));
  }
  if (unknown > kUnknownKeysListedMax) {
    problems_.error(node_.place(),
                    prefix(node_) + std::to_string(unknown - kUnknownKeysListedMax) + " more unknown keys");
  }
}

#define CARBONGATE_READS(T)                         \
  template T Reader::required<T>(std::string_view); \
  template std::optional<T> Reader::optional<T>(std::string_view)
#define CARBONGATE_READS_RANGE(T)                                                                    \
  CARBONGATE_READS(T);                                                                               \
  template T Reader::in_range<T>(std::string_view, std::type_identity_t<T>, std::type_identity_t<T>, \
                                 std::type_identity_t<T>)

CARBONGATE_READS(std::string);
CARBONGATE_READS(bool);
CARBONGATE_READS(std::vector<std::string>);
CARBONGATE_READS_RANGE(std::int8_t);
CARBONGATE_READS_RANGE(std::uint8_t);
CARBONGATE_READS_RANGE(std::int16_t);
CARBONGATE_READS_RANGE(std::uint16_t);
CARBONGATE_READS_RANGE(std::int32_t);
CARBONGATE_READS_RANGE(std::uint32_t);
CARBONGATE_READS_RANGE(std::int64_t);
CARBONGATE_READS_RANGE(std::uint64_t);
CARBONGATE_READS_RANGE(double);
CARBONGATE_READS_RANGE(milliseconds);

#undef CARBONGATE_READS
#undef CARBONGATE_READS_RANGE

}  // namespace carbongate::config

// Typed access to a map of the configuration. Problems are gathered, not thrown: a required value that is missing or of
// the wrong type is reported and its default-constructed value returned, so that reading goes on and every problem is
// found.
//
//   config::Reader in(node, problems);
//   ModbusConfig c{.host = in.required<std::string>("host"), .poll_every = in.value_or("poll_every", 10s)};
//   in.finish();   // whatever was not asked for is an unknown key
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/reader/node.h"
#include "config/reader/problem.h"

namespace carbongate::config {

// "500ms", "1.5s", "15min", "2h", "180d": a number >= 0 and its unit, a space between them allowed; whole milliseconds,
// at most 1000 years. nullopt: anything else.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds duration);  // in the largest unit that needs no fraction: "90s"

class Reader {
 public:
  // `node` should be a map; anything else is a problem, and the reader then behaves as over an empty map.
  // Both must outlive the reader.
  Reader(const Node& node, Problems& problems);

  // T: std::string, bool, int, the fixed-width integers, double, std::chrono::milliseconds ("500ms", "1s",
  // "15min", "2h", "180d"; a bare number is refused: it has no unit), std::vector<std::string> (a single scalar counts
  // as a list of one).
  template <class T>
  T required(std::string_view key);
  template <class T>
  std::optional<T> optional(std::string_view key);
  template <class T>
  T value_or(std::string_view key, T fallback) {
    return optional<T>(key).value_or(std::move(fallback));
  }
  std::string value_or(std::string_view key, const char* fallback) { return value_or<std::string>(key, fallback); }
  template <class Rep, class Period>
  std::chrono::milliseconds value_or(std::string_view key, std::chrono::duration<Rep, Period> fallback) {
    return value_or<std::chrono::milliseconds>(key, fallback);
  }

  // As value_or, but a value outside [min, max] is a problem that names both limits.
  template <class T>
  T in_range(std::string_view key, std::type_identity_t<T> fallback, std::type_identity_t<T> min,
             std::type_identity_t<T> max);

  // One of the given words: returns its index; an unknown word is a problem with the nearest right one.
  std::size_t one_of(std::string_view key, std::initializer_list<std::string_view> words, std::size_t fallback);

  // Child nodes; asking marks the key as known. child(): nullptr if absent. items(): the elements of a list, empty if
  // absent; something else than a list is a problem. required_items(): absence is a problem too.
  const Node* child(std::string_view key);
  const std::vector<Node>& items(std::string_view key);
  const std::vector<Node>& required_items(std::string_view key);
  bool has(std::string_view key) const;  // does not mark the key as known

  // Reports at the value of `key` if present, else at the map itself; the text is prefixed with the path.
  void error(std::string_view key, std::string text);
  void warning(std::string_view key, std::string text);

  // Reports that something is not there, in these words; but not over something else than a map, nor over one that may
  // go on in a file that could not be read: that has been said, and is the reason.
  void missing(std::string_view key, std::string text = "missing");

  // Reports every key that was never asked for as unknown, with the nearest of those that were.
  void finish();

  const Node& node() const { return node_; }
  Problems& problems() { return problems_; }

 private:
  const Node* find(std::string_view key);

  const Node& node_;
  Problems& problems_;
  std::vector<std::string> asked_;
};

}  // namespace carbongate::config

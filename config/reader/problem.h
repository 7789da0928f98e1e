// What is wrong with a configuration: every problem, each with its place, reported together.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace carbongate::config {

struct Place {
  std::string file;
  int line = 0;    // from 1; 0: the file as a whole
  int column = 0;  // from 1
};

struct Problem {
  enum class Severity { error, warning } severity = Severity::error;
  Place place;
  std::string text;  // "devices[2].interval: 50ms is below 100ms, the shortest allowed"
};

// Collects problems while a configuration is read; one that is known already is not added again, for several devices
// may read the same profile. Not thread-safe.
class Problems {
 public:
  void error(Place place, std::string text);
  void warning(Place place, std::string text);

  static constexpr std::size_t kKeptMax = 1000;  // more is a wrong file; the rest is only counted

  bool has_errors() const { return has_errors_; }
  std::size_t times_reported() const { return times_reported_; }  // errors, repetitions included
  const std::vector<Problem>& all() const { return problems_; }

  // One line a problem, in the order of file and place:
  //   park.yaml:12:5: error: unknown key 'adress'; did you mean 'address'?
  std::string to_text() const;

 private:
  bool add(Problem problem);

  std::vector<Problem> problems_;
  std::unordered_set<std::string> known_;
  bool has_errors_ = false;
  std::size_t times_reported_ = 0;
  std::size_t not_kept_ = 0;
};

// The candidate nearest to `word` by edit distance, or "" if none is near enough to be what was meant.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

// "; did you mean 'address'?" or, with nothing near, "; known: address, unit, profile" (at most a dozen), or "".
std::string suggestion(std::string_view word, std::span<const std::string> candidates);

}  // namespace carbongate::config

#include "config/reader/problem.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "config/reader/text.h"

namespace carbongate::config {
namespace {

constexpr std::size_t kComparedLengthMax = 64;  // a longer word is no misspelling of ours; also bounds the table below
constexpr std::size_t kListedMax = 12;
constexpr std::size_t kShownBytesMax = 1000;  // of a file's name, and of a text that quotes what somebody wrote

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Damerau-Levenshtein in its optimal string alignment form: insert, delete, replace, or swap two neighbours, each
// costs 1.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

// "size" for "size_max", "unit_id" for "unit".
bool begins_alike(std::string_view a, std::string_view b) {
  constexpr std::size_t kCommonMin = 3;
  return std::min(a.size(), b.size()) >= kCommonMin && (a.starts_with(b) || b.starts_with(a));
}

}  // namespace

void Problems::error(Place place, std::string text) {
  ++times_reported_;
  if (add({Problem::Severity::error, std::move(place), std::move(text)})) has_errors_ = true;
}

void Problems::warning(Place place, std::string text) {
  add({Problem::Severity::warning, std::move(place), std::move(text)});
}

bool Problems::add(Problem problem) {
  if (problems_.size() == kKeptMax) {
    ++not_kept_;
    return problem.severity == Problem::Severity::error;
  }
  const Place& place = problem.place;
  const std::string identity = place.file + ':' + std::to_string(place.line) + ':' + std::to_string(place.column) +
                               ':' + (problem.severity == Problem::Severity::error ? 'e' : 'w') + problem.text;
  if (!known_.insert(identity).second) return false;
  problems_.push_back(std::move(problem));
  return true;
}

std::string Problems::to_text() const {
  std::map<std::string_view, std::size_t> file_order;  // of first appearance: the order in which files were read
  for (const Problem& problem : problems_) file_order.try_emplace(problem.place.file, file_order.size());

  std::vector<const Problem*> sorted;
  sorted.reserve(problems_.size());
  for (const Problem& problem : problems_) sorted.push_back(&problem);
  std::sort(sorted.begin(), sorted.end(), [&](const Problem* a, const Problem* b) {  // the last: as reported
    return std::tuple(file_order[a->place.file], a->place.line, a->place.column, a) <
           std::tuple(file_order[b->place.file], b->place.line, b->place.column, b);
  });

  std::string out;
  for (const Problem* problem : sorted) {
    out += printable(problem->place.file, kShownBytesMax);
    if (problem->place.line > 0) {
      out += ":" + std::to_string(problem->place.line) + ":" + std::to_string(problem->place.column);
    }
    out += problem->severity == Problem::Severity::error ? ": error: " : ": warning: ";
    out += printable(problem->text, kShownBytesMax);
    out += '\n';
  }
  if (not_kept_ != 0) out += "... and " + std::to_string(not_kept_) + " more problems\n";
  return out;
}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  if (word.empty() || word.size() > kComparedLengthMax) return "";
  const std::string folded = lower(word);
  const std::string* best = nullptr;
  // Case counts least: "kwh" is nearer to "kWh" than to "kvarh", and "MWH" nearer to "MWh" than to "mWh".
  std::pair<std::size_t, std::size_t> best_distance{std::numeric_limits<std::size_t>::max(), 0};
  for (const std::string& candidate : candidates) {
    if (candidate.empty() || candidate.size() > kComparedLengthMax) continue;
    const std::size_t longer = std::max(word.size(), candidate.size());
    std::pair distance{edit_distance(folded, lower(candidate)), edit_distance(word, candidate)};
    if (begins_alike(folded, lower(candidate))) distance.first = std::min<std::size_t>(distance.first, 1);
    const bool near_enough = distance.first <= (longer + 2) / 3 && distance.first < longer;
    if (near_enough && distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best ? *best : "";
}

std::string suggestion(std::string_view word, std::span<const std::string> candidates) {
  if (const std::string near = nearest(word, candidates); !near.empty()) return "; did you mean '" + near + "'?";
  if (candidates.empty()) return "";
  std::string out = "; known: ";
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (i == kListedMax) return out + ", and " + std::to_string(candidates.size() - i) + " more";
    if (i != 0) out += ", ";
    out += candidates[i];
  }
  return out;
}

}  // namespace carbongate::config

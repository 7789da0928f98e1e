#include "tests/tidy/layers.h"

#include <algorithm>
#include <sstream>

namespace carbongate::tidy {

bool begins_with(std::string_view path, std::string_view pattern) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return path.starts_with(pattern);
  if (!path.starts_with(pattern.substr(0, star))) return false;
  for (auto rest = star; rest <= path.size(); ++rest) {
    if (begins_with(path.substr(rest), pattern.substr(star + 1))) return true;
    if (rest < path.size() && path[rest] == '/') return false;
  }
  return false;
}

Layers Layers::parse(std::string_view text) {
  Layers layers;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto colon = line.find(':');
    std::istringstream words(line.substr(colon + 1));
    Rule rule{line.substr(0, colon), {}};
    for (std::string word; words >> word;) rule.second.push_back(word);
    (line.front() == '<' ? layers.libraries_ : layers.folders_).push_back(std::move(rule));
  }
  return layers;
}

std::optional<std::string> Layers::objection(std::string_view file, std::string_view header) const {
  const auto allows = [](const Rule& rule, std::string_view path) {
    return std::ranges::any_of(rule.second, [&](const std::string& pattern) { return begins_with(path, pattern); });
  };
  if (header.front() == '<') {
    for (const Rule& rule : libraries_) {
      const std::string_view library = std::string_view(rule.first).substr(1, rule.first.size() - 2);
      if (!header.substr(1).starts_with(library) || allows(rule, file)) continue;
      return rule.first + " is not for this folder";
    }
    return std::nullopt;
  }
  const std::string_view path = header.substr(1, header.size() - 2);
  if (path.ends_with(".pb.h")) return std::nullopt;  // generated beside its owner
  const auto rule = std::ranges::find_if(folders_, [&](const Rule& r) { return begins_with(file, r.first); });
  if (rule == folders_.end()) return "no line in layers.txt speaks of this file";
  const std::string_view own_folder = file.substr(0, file.rfind('/') + 1);
  if (path.starts_with(own_folder) || allows(*rule, path)) return std::nullopt;
  return "the line '" + rule->first + "' does not allow it";
}

std::vector<Include> includes_of(std::string_view source) {
  std::vector<Include> includes;
  std::istringstream lines{std::string(source)};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!line.starts_with("#include ")) continue;
    const auto begin = line.find_first_of("<\"");
    const auto end = line.find_first_of(">\"", begin + 1);
    if (begin == std::string::npos || end == std::string::npos) continue;
    includes.push_back({number, line.substr(begin, end - begin + 1)});
  }
  return includes;
}

}  // namespace carbongate::tidy

// The table of tests/tidy/layers.txt: who may include whom.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carbongate::tidy {

class Layers {
 public:
  static Layers parse(std::string_view text);

  // Why `file` (path from the root of the project) must not include `header`; nullopt: it may. `header` is written as in
  // the source: "gateway/model/rows.h" in quotes, <boost/asio.hpp> in angle brackets, delimiters included.
  std::optional<std::string> objection(std::string_view file, std::string_view header) const;

 private:
  using Rule = std::pair<std::string, std::vector<std::string>>;
  std::vector<Rule> folders_;
  std::vector<Rule> libraries_;
};

// Whether `path` begins with `pattern`, in which "*" stands for any characters but a slash.
bool begins_with(std::string_view path, std::string_view pattern);

struct Include {
  int line = 0;
  std::string header;  // with its delimiters
};
std::vector<Include> includes_of(std::string_view source);

}  // namespace carbongate::tidy

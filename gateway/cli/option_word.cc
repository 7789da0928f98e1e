#include "gateway/cli/option_word.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "config/reader/reader.h"

namespace carbongate::cli {

bool is_one_of(std::string_view option, const std::string& word, const std::vector<std::string>& known,
               std::ostream& err) {
  if (std::ranges::find(known, word) != known.end()) return true;
  err << fmt::format("{}: '{}' is not one of {}{}\n", option, word, fmt::join(known, ", "),
                     config::nearest(word, known).empty() ? "" : config::suggestion(word, known));
  return false;
}

}  // namespace carbongate::cli

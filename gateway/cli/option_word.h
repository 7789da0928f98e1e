// Options that are one of a few words.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace carbongate::cli {

// False: it is none of them, and `err` has been told which there are and which may have been meant.
bool is_one_of(std::string_view option, const std::string& word, const std::vector<std::string>& known,
               std::ostream& err);

}  // namespace carbongate::cli

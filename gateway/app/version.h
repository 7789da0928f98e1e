// What this program is.
#pragma once

#include <string>

namespace carbongate::app {

std::string version();       // "0.1.0"
std::string version_text();  // "carbongate 0.1.0 (Clang 19.1.7, Boost 1.81.0)"

}  // namespace carbongate::app

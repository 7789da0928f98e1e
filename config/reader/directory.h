// A directory that the configuration names.
#pragma once

#include <filesystem>
#include <string_view>

#include "config/reader/reader.h"

namespace carbongate::config {

// Relative to the configuration file. It may be missing, to be made later; that something else stands in its place goes
// to the reader, as that the key is absent. Empty: it is.
std::filesystem::path read_directory(Reader& in, std::string_view key);

}  // namespace carbongate::config

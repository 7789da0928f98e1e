// Where a password comes from: the terminal, without being shown, or a file.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>

#include "config/reader/secret.h"

namespace carbongate::cli {

// `file` empty: asked for at the terminal, twice. nullopt: there is none, and `err` has been told why.
std::optional<config::Secret> read_password(const std::filesystem::path& file, std::ostream& err);

}  // namespace carbongate::cli

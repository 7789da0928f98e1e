// Where an export goes.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>

namespace carbongate::cli {

// Calls `write` with the stream and its name for messages, and returns its exit status. A file is written beside its
// place and moved there at the end, so that what has that name is always whole. `file` empty: `out`.
int write_output(const std::filesystem::path& file, std::ostream& out, std::ostream& err,
                 const std::function<int(std::ostream& stream, const std::string& name)>& write);

}  // namespace carbongate::cli

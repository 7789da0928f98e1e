// `carbongate check`: is this configuration right, and what does it say?
#pragma once

#include <filesystem>
#include <iosfwd>

#include "drivers/api/reading.h"

namespace carbongate::cli {

// Prints every problem to `err`, and, if none is an error, a summary to `out`: devices, energy users with the emission
// factors that apply now, store and sinks. Never a secret. Opens no connection and writes no file.
//
// Exit status: 0; 78 (EX_CONFIG) for errors. Warnings alone are no errors.
int run_check(const std::filesystem::path& config, std::ostream& out, std::ostream& err);

// The same at a given time.
int run_check(const std::filesystem::path& config, std::ostream& out, std::ostream& err, Instant now);

}  // namespace carbongate::cli

// The part of `carbongate decode` that knows HJ 212: see decode.h.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace carbongate::cli {

// Lines as a stream of packets has them: each ends with CR LF, the last one too.
std::string with_line_ends(std::string_view text);

// Returns the exit status: 0, or 1 if anything was wrong.
int decode_hj212(std::string_view stream, std::ostream& out);

}  // namespace carbongate::cli

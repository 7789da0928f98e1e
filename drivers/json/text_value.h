// What a device writes as text: numbers, and the flags of HJ 212.
#pragma once

#include <optional>
#include <string_view>

namespace carbongate::json_payload {

// A finite decimal number and nothing else, not even blanks; "007970903" is not octal.
std::optional<double> number_in(std::string_view text);

// "N", "M"...; NUL for "", and '?', which is none of them, for anything longer.
char flag_in(std::string_view text);

}  // namespace carbongate::json_payload

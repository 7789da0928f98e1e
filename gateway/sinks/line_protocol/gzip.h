// The gzip format (RFC 1952), for request bodies.
#pragma once

#include <string>
#include <string_view>

namespace carbongate::sinks::line_protocol {

// The same text gives the same bytes. Throws std::bad_alloc when there is no memory for it.
std::string gzip(std::string_view text);

}  // namespace carbongate::sinks::line_protocol

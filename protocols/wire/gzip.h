// The gzip format (RFC 1952).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace carbongate::wire {

// The same text gives the same bytes. Throws std::bad_alloc when there is no memory for it.
std::string gzip(std::string_view text);

// The text again; `size` bytes of it are known to come out. Throws std::runtime_error if something else does: for what
// we packed ourselves.
std::string gunzip(std::string_view packed, std::size_t size);

}  // namespace carbongate::wire

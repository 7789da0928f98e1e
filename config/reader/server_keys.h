// What configurations say about the server at the other end, be it a source or a sink.
#pragma once

#include <string>
#include <string_view>

#include "config/reader/reader.h"

namespace carbongate::config {

// Whether nothing sent to this host leaves the machine: "localhost", "127.0.0.1", "::1".
bool is_loopback(std::string_view host);

// A file named by `key`, relative to the configuration file, that is opened later; "" if the key is absent. That it
// cannot be read goes to the reader.
std::string read_file_name(Reader& in, std::string_view key);

}  // namespace carbongate::config

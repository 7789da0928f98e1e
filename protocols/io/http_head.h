// The head of a request, looked at before anything believes it: RFC 9112 sections 2.2, 5 and 6.
#pragma once

#include <string_view>

namespace carbongate::io {

// What is wrong with the request line and headers, up to and with the empty line; "": nothing that two readers could
// understand in two ways. Whether the words in it mean anything is not asked.
std::string_view objection_to_head(std::string_view head);

}  // namespace carbongate::io

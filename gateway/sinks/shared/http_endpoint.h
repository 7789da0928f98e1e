// A server that takes rows over HTTP. It is named as a source is (protocols/http/endpoint), but for its cursor.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "protocols/http/endpoint.h"

namespace carbongate::sinks::shared {

struct HttpEndpoint : http::Endpoint {
  std::string name;  // the cursor's name in the journal: host and port, unless the configuration says otherwise
};

// As http::read_endpoint(), and `name`.
HttpEndpoint read_http_endpoint(config::Reader& in, std::string_view example,
                                std::string (*objection)(const boost::urls::url_view& url));

// The longest wait that a server may ask for with Retry-After.
inline constexpr std::chrono::minutes kRetryAfterMax{5};

}  // namespace carbongate::sinks::shared

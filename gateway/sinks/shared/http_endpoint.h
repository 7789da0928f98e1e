// A server that takes rows over HTTP: how the configuration names it, and what its answers say about time.
#pragma once

#include <boost/url/url_view.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "config/reader/reader.h"
#include "config/reader/secret.h"
#include "protocols/io/clock.h"
#include "protocols/io/http_client.h"

namespace carbongate::sinks::shared {

struct HttpEndpoint {
  std::string name;  // the cursor's name in the journal: host and port, unless the configuration says otherwise
  io::HttpServer server;
  std::string target;    // path and query: "/write?db=carbon"
  std::string where;     // for messages: "http://127.0.0.1:8428/write"
  std::string username;  // HTTP basic authentication, if not empty
  config::Secret password;
  config::Secret token;
};

// Reads url, name, username, password_*, token_* and ca_file. Problems go to the reader; what comes back then is not to
// be used. `example` is a right url. `objection` says what else is wrong with a url that is fine as such; "" if
// nothing.
HttpEndpoint read_http_endpoint(config::Reader& in, std::string_view example,
                                std::string (*objection)(const boost::urls::url_view& url));

// The value of the header Authorization, with the token behind `token_scheme` ("Bearer"); "" without credentials.
std::string authorization(const HttpEndpoint& endpoint, std::string_view token_scheme);

// The longest wait that a server may ask for with Retry-After.
inline constexpr std::chrono::minutes kRetryAfterMax{5};

// The seconds or the date of a Retry-After header (RFC 9110 section 10.2.3) as a time from now, at most kRetryAfterMax.
// nullopt: neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, io::WallTime now);

}  // namespace carbongate::sinks::shared

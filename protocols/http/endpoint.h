// A server that is spoken to over HTTP, a source or a sink: how the configuration names it, and what its answers say
// about time.
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

namespace carbongate::http {

struct Endpoint {
  io::HttpServer server;
  std::string host_and_port;  // as the url has them: "127.0.0.1:8428"
  std::string target;         // path and query: "/write?db=carbon"
  std::string where;          // for messages: "http://127.0.0.1:8428/write"
  std::string username;       // HTTP basic authentication, if not empty
  config::Secret password;
  config::Secret token;
};

// Reads url, username, password_*, token_* and ca_file. Problems go to the reader; what comes back then is not to be
// used. `example` is a right url. `objection` says what else is wrong with a url that is fine as such; "" if nothing.
Endpoint read_endpoint(config::Reader& in, std::string_view example,
                       std::string (*objection)(const boost::urls::url_view& url));

// The value of the header Authorization, with the token behind `token_scheme` ("Bearer"); "" without credentials.
std::string authorization(const Endpoint& endpoint, std::string_view token_scheme);

// The seconds or the date of a Retry-After header (RFC 9110 section 10.2.3) as a time from now, at most `max`. nullopt:
// neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, io::WallTime now,
                                                           std::chrono::milliseconds max);

}  // namespace carbongate::http

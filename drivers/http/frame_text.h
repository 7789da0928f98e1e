// What was asked and answered, as text to be shown: without what lets somebody in.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "drivers/http/config.h"
#include "protocols/io/http_client.h"

namespace carbongate::http_driver {

// "GET http://10.0.0.5/status?***". No header: those that the configuration adds may be keys.
std::string request_text(const HttpPlan& plan);

// Credentials as they stand in a request, and values of headers and of the query that may be some.
std::vector<std::string> secrets_of(const HttpPlan& plan);

// The status, headers that say what the body is, and of the body as much as it takes to fill `bytes_max`. A server that
// answers with what it was sent gives no secret away: "***" stands for each of them.
std::string response_text(const io::HttpResponse& response, const std::vector<std::string>& secrets,
                          std::size_t bytes_max);

}  // namespace carbongate::http_driver

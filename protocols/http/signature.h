// How a receiver knows who sent a request: HMAC-SHA256 by Standard Webhooks 1.0 (standardwebhooks.com).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace carbongate::http {

// The value of the header webhook-signature: "v1," and base64 of the HMAC of "ID.TIMESTAMP.BODY". `id` and `timestamp`
// (seconds since 1970) go in webhook-id and webhook-timestamp.
std::string webhook_signature(std::string_view secret, std::string_view id, std::int64_t timestamp,
                              std::string_view body);

}  // namespace carbongate::http

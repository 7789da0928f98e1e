// How a receiver knows who sent a request: HMAC-SHA256 by Standard Webhooks 1.0 (standardwebhooks.com).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carbongate::http {

// The key that a secret stands for: "whsec_" and base64 of its bytes, as Standard Webhooks hands secrets out, or any
// other text, which is the key itself. nullopt: what follows "whsec_" is no base64.
std::optional<std::string> webhook_key(std::string_view secret);

// The value of the header webhook-signature: "v1," and base64 of the HMAC of "ID.TIMESTAMP.BODY". `id` and `timestamp`
// (seconds since 1970) go in webhook-id and webhook-timestamp.
std::string webhook_signature(std::string_view key, std::string_view id, std::int64_t timestamp, std::string_view body);

}  // namespace carbongate::http

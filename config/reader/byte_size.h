// Sizes as people write them: "512MiB".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/reader/reader.h"

namespace carbongate::config {

// "8GiB", "512 MiB", "8GB" (powers of 1000), "100000B". nullopt: anything else, or beyond 2^63.
std::optional<std::uint64_t> parse_byte_size(std::string_view text);
std::string format_byte_size(std::uint64_t bytes);  // "8GiB", "1500MB", or plain bytes

struct ByteRange {
  std::uint64_t min = 0;
  std::uint64_t max = 0;
};

// `fallback` if the key is absent, or if something else stands there: that goes to the reader.
std::uint64_t read_byte_size(Reader& in, std::string_view key, std::uint64_t fallback, ByteRange range);

}  // namespace carbongate::config

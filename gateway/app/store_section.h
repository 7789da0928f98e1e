// The section `store`: where the journal lies, and how much of it is kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "config/reader/reader.h"
#include "gateway/store/store_config.h"

namespace carbongate::app {

// "8GiB", "512 MiB", "8GB" (powers of 1000), "100000B". nullopt: anything else, or beyond 2^63.
std::optional<std::uint64_t> parse_byte_size(std::string_view text);
std::string format_byte_size(std::uint64_t bytes);  // "8GiB", "1500MB", or plain bytes

store::StoreConfig read_store(config::Reader& root);

}  // namespace carbongate::app

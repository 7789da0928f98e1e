// Files that a configuration names: whatever stands under that name, reading it ends.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace carbongate::config {

// Up to `bytes_max` bytes of a file, or of a pipe whose other end does not keep us waiting: `carbongate check <(...)`.
// nullopt: it cannot be read; `reason` says why in a few words. `silence_max`: of a pipe.
std::optional<std::string> read_text_file(const std::filesystem::path& file, std::size_t bytes_max, std::string& reason,
                                          std::chrono::milliseconds silence_max = std::chrono::seconds(3));

// For a file that is opened later, by a library: why it will not be readable; "" if nothing speaks against it. Opens
// nothing. No pipes: the library would wait on one for ever.
std::string why_unreadable(const std::filesystem::path& file);

}  // namespace carbongate::config

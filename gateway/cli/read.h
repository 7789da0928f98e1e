// `carbongate read`: asks the meters once, now, and shows what they say. Nothing is stored.
#pragma once

#include <chrono>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace carbongate::cli {

struct ReadOptions {
  std::filesystem::path config;
  std::vector<std::string> devices;  // ids; empty: all
  bool json = false;
  std::chrono::milliseconds patience{10'000};  // for devices that publish by themselves
};

// Exit status: 0 when every point was read; 69 (EX_UNAVAILABLE) when one was not; 78 for a configuration with errors;
// 64 (EX_USAGE) for a device that is not configured.
int run_read(const ReadOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli

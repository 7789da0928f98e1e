// `carbongate run`: the gateway as a process, with signals, systemd and, on request, a live table.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>

namespace carbongate::app {

struct RunOptions {
  std::filesystem::path config;
  bool live = false;                                 // print the live table to standard output
  std::optional<std::chrono::milliseconds> run_for;  // end by itself after this time
};

// Exit status: 0 after SIGTERM, SIGINT or `run_for`; 78 (EX_CONFIG) for a configuration with errors; 73 (EX_CANTCREAT)
// when the store cannot be opened; 70 (EX_SOFTWARE) when the gateway had to give up; 69 (EX_UNAVAILABLE)
// when the HTTP server cannot listen.
int run_daemon(const RunOptions& options);

}  // namespace carbongate::app

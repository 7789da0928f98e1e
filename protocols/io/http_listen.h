// Where an HTTP server listens, and what it puts up with.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace carbongate::io {

struct HttpListen {
  std::string address = "127.0.0.1";  // IPv4 or IPv6, without brackets
  std::uint16_t port = 0;             // 0: any free one
  std::string certificate_file = {};  // PEM, with its chain; empty: no TLS
  std::string key_file = {};          // PEM
  bool behind_proxy = false;          // the last of X-Forwarded-For and X-Forwarded-Proto is believed
};

struct HttpServerLimits {
  std::size_t connections_max = 512;                // beyond it a new one is closed at once
  std::size_t connections_of_address_max = 256;     // the same of one address; not asked behind a proxy
  std::size_t header_bytes_max = 16 * 1024;         // of request line and headers: 431
  std::size_t body_bytes_max = 256 * 1024;          // 413
  std::chrono::milliseconds header_within{10'000};  // from the first byte, or from connecting, to the last of them
  std::chrono::milliseconds body_within{20'000};    // after that
  std::chrono::milliseconds idle_max{60'000};       // between two requests
  std::chrono::milliseconds write_within{30'000};   // 64 KiB of an answer
};

}  // namespace carbongate::io

// What Paho does not say or cannot do about its sockets: why a broker cannot be reached, and how to break a connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace carbongate::mqtt {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
  std::filesystem::path ca_file;  // empty: the system's
  std::filesystem::path cert_file;
  std::filesystem::path key_file;
  bool verify = true;
};

// Connects, does the TLS handshake if there is one, and hangs up. Why that failed: "Connection refused", "name not
// known
// (...)", "TLS: self-signed certificate in certificate chain"; "" if it did not. Paho reports all of these as "TCP/TLS
// connect failure". Blocks up to `patience` for each step and address, and as long as the resolver takes.
std::string why_unreachable(const Endpoint& endpoint, std::chrono::milliseconds patience);

// Shuts down every TCP connection of this process to a peer's port `port`; returns how many. What is written to them
// afterwards fails, and does not arrive. For the one case in which Paho must not send what it is about to send.
int shut_down_connections_to(std::uint16_t port);

}  // namespace carbongate::mqtt

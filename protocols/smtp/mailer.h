// A mail server that takes messages (RFC 5321), by libcurl.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "config/reader/secret.h"
#include "protocols/smtp/message.h"

namespace carbongate::smtp {

enum class Security : std::uint8_t {
  tls,       // from the first byte on: port 465
  starttls,  // after STARTTLS, which the server must know: port 587
  none,      // in clear
};

struct Server {
  std::string host;  // a name or an address; IPv6 without brackets
  std::uint16_t port = 465;
  Security security = Security::tls;
  std::string ca_file = {};  // PEM; empty: the machine's trusted authorities
  std::string username = {};
  config::Secret password = {};
  std::chrono::milliseconds timeout{30'000};  // of one message, from connecting on
};

struct Sent {
  bool is_accepted = false;
  bool is_refused = false;   // for good: 5yz to MAIL, RCPT, DATA or the message itself, but not for want of a login
  std::string words = {};    // of the server, its last line: "250 2.0.0 Ok: queued as 4F2"
  std::string trouble = {};  // why it is not accepted
};

// Blocks until the server has taken the message or there is trouble; gives up soon when `is_to_end` says so. Any
// thread, several at a time.
Sent send(const Server& server, const Mail& mail, const std::function<bool()>& is_to_end);

}  // namespace carbongate::smtp

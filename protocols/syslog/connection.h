// A stream to a syslog server, over TCP (RFC 6587) or TLS (RFC 5425).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "protocols/io/clock.h"

namespace carbongate::syslog {

struct Server {
  std::string host;  // a name or an address; IPv6 without brackets
  std::uint16_t port = 6514;
  bool tls = true;
  std::string ca_file = {};                   // PEM; empty: the machine's trusted authorities
  std::chrono::milliseconds timeout{10'000};  // from connecting to the server's end of the stream
  std::chrono::milliseconds stays_open{200};  // our end, behind the last frame; a quarter of `timeout` at most
};

struct Sent {
  bool is_taken = false;
  bool is_confirmed = false;  // the server has read to our end of the stream, and ended its own
  std::string trouble = {};   // why it is not taken
};

// Syslog has no receipts. So each call makes a connection of its own, writes, ends the stream and waits for the server
// to end it too, which it does when it has read everything. That end confirms the frames if
// - it was not there before ours, which stays open for a moment: a server that ends the connection by itself, as a
//   proxy with nobody behind it does, has read nothing for certain;
// - the server's machine had acknowledged every byte of ours by then, over TLS up to the close_notify;
// - no reset came instead or behind it, as from the machine (Linux, Windows) of a server that closes with bytes unread.
// Over TLS the end may be a close_notify or that of the TCP stream alone, as rsyslog's is. What looks the same and
// cannot be told: a server, or a proxy that reads ahead, that takes the bytes and our end, and loses them.
// For a server that leaves it open to the timeout its machine has taken the frames if it has acknowledged every byte:
// whether anybody reads them is not known. On `executor`, which is the caller's.
boost::asio::awaitable<Sent> send(boost::asio::any_io_executor executor, io::Clock& clock, const Server& server,
                                  std::string frames);

}  // namespace carbongate::syslog

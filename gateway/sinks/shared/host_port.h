// "10.1.2.3:9003": where a server is, in configurations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace carbongate::sinks::shared {

struct HostPort {
  std::string host;  // a name or an address; IPv6 without its brackets
  std::uint16_t port = 0;
};

// False: `text` is no host with a port, IPv6 in brackets.
bool read_host_port(std::string_view text, HostPort& out);

}  // namespace carbongate::sinks::shared

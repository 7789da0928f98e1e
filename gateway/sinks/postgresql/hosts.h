// The hosts among connection parameters, with their addresses.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carbongate::sinks::postgresql {

// Connection parameters by libpq's names: {"host", "db.park.example"}, {"port", "5432"} ...
using Parameters = std::vector<std::pair<std::string, std::string>>;

std::string value_of(const Parameters& parameters, std::string_view key);  // "" if absent

// libpq takes lists: host=a,b port=5432,5433. One port stands for all hosts.
struct Host {
  std::string name;     // a name, an address, or a directory with the server's socket
  std::string port;     // "5432" if none is given
  std::string address;  // as given by hostaddr; "" if it is to be looked up
  bool is_local() const { return name.starts_with('/') || name.starts_with('@'); }
  friend bool operator==(const Host&, const Host&) = default;
};
std::vector<Host> hosts_of(const Parameters& parameters);

// Puts these hosts in the place of those there were.
void set_hosts(Parameters& parameters, const std::vector<Host>& hosts);

}  // namespace carbongate::sinks::postgresql

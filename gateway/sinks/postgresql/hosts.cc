#include "gateway/sinks/postgresql/hosts.h"

#include <algorithm>
#include <string_view>

namespace carbongate::sinks::postgresql {
namespace {

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  while (true) {
    const auto comma = list.find(',');
    parts.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

std::string nth(const std::vector<std::string>& parts, std::size_t n) {
  if (parts.size() == 1) return parts.front();
  return n < parts.size() ? parts[n] : std::string();
}

}  // namespace

std::string value_of(const Parameters& parameters, std::string_view key) {
  const auto found = std::ranges::find(parameters, key, &Parameters::value_type::first);
  return found == parameters.end() ? std::string() : found->second;
}

std::vector<Host> hosts_of(const Parameters& parameters) {
  const auto names = split(value_of(parameters, "host"));
  const auto addresses = split(value_of(parameters, "hostaddr"));
  const auto ports = split(value_of(parameters, "port"));
  std::vector<Host> hosts;
  for (std::size_t i = 0; i < std::max(names.size(), addresses.size()); ++i) {
    Host host{i < names.size() ? names[i] : "", nth(ports, i), i < addresses.size() ? addresses[i] : ""};
    if (host.port.empty()) host.port = "5432";
    hosts.push_back(std::move(host));
  }
  return hosts;
}

void set_hosts(Parameters& parameters, const std::vector<Host>& hosts) {
  std::erase_if(parameters, [](const auto& parameter) {
    return parameter.first == "host" || parameter.first == "hostaddr" || parameter.first == "port";
  });
  std::string names;
  std::string addresses;
  std::string ports;
  for (const Host& host : hosts) {
    const std::string_view comma = &host == hosts.data() ? "" : ",";
    names.append(comma).append(host.name);
    addresses.append(comma).append(host.address);
    ports.append(comma).append(host.port);
  }
  parameters.emplace_back("host", names);
  parameters.emplace_back("hostaddr", addresses);
  parameters.emplace_back("port", ports);
}

}  // namespace carbongate::sinks::postgresql

#include "gateway/sinks/shared/host_port.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace carbongate::sinks::shared {

bool read_host_port(std::string_view text, HostPort& out) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return false;
  }
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  out.host = host;
  const bool is_plain = std::ranges::none_of(host, [](char c) { return c <= ' ' || c == '/' || c == '@'; });
  return !host.empty() && is_plain && error == std::errc() && end == digits.data() + digits.size() && out.port != 0;
}

}  // namespace carbongate::sinks::shared

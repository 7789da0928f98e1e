#include "gateway/ops/admission.h"

#include <boost/asio/ip/address_v4.hpp>
#include <string_view>

#include "gateway/ops/problem.h"

namespace carbongate::ops {
namespace {

// Without its port: "127.0.0.1", "[::1]", "localhost".
std::string_view host_of(std::string_view authority) {
  const std::size_t end = authority.starts_with('[') ? authority.find(']') : authority.find(':');
  if (end == std::string_view::npos) return authority;
  return authority.substr(0, authority.starts_with('[') ? end + 1 : end);
}

bool is_loopback(std::string_view host) {
  if (host.empty() || host == "localhost" || host == "[::1]") return true;
  boost::system::error_code none;
  const auto address = boost::asio::ip::make_address_v4(host, none);
  return !none && address.is_loopback();
}

}  // namespace

bool is_same_origin(const io::HttpCall& call) {
  const std::string_view site = call.header("Sec-Fetch-Site");
  if (!site.empty() && site != "same-origin" && site != "none") return false;
  const std::string_view origin = call.header("Origin");
  if (origin.empty()) return true;
  const std::size_t scheme = origin.find("://");
  return scheme != std::string_view::npos && origin.substr(scheme + 3) == call.header("Host");
}

std::variant<Identity, io::HttpAnswer> OpenAdmission::admit(const io::HttpCall& call, std::optional<Role> /*required*/,
                                                            bool changes) {
  if (!is_loopback(host_of(call.header("Host")))) {
    return problem(421, "logins are off: this server answers to 127.0.0.1, [::1] and localhost alone");
  }
  if (changes && !is_same_origin(call)) return problem(403, "the request comes from a page of another site");
  return Identity{.user = {}, .role = Role::administrator};
}

}  // namespace carbongate::ops

#include "gateway/ops/access/request.h"

#include <algorithm>

namespace carbongate::access {
namespace {

constexpr std::string_view kBlank = " \t";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

bool are_equal_ignoring_case(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(one, other, {}, lower, lower);
}

// Without the port: "[::1]:8080" is "::1".
std::string_view name_of_host(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, std::min(host.find(']'), host.size()) - 1);
  return host.substr(0, host.find(':'));
}

bool is_dotted_loopback(std::string_view name) {
  return name.starts_with("127.") && name.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string cookie_with(std::string_view value, bool secure) {
  std::string text(kSessionCookie);
  text.append("=").append(value).append("; Path=/; HttpOnly; SameSite=Strict");
  if (secure) text += "; Secure";
  return text;
}

}  // namespace

bool changes_something(std::string_view method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

std::optional<std::string_view> session_id_of(std::string_view cookie) {
  std::optional<std::string_view> found;
  while (!cookie.empty()) {
    const auto end = std::min(cookie.find_first_of(";,"), cookie.size());
    const std::string_view pair = trimmed(cookie.substr(0, end));
    cookie.remove_prefix(std::min(end + 1, cookie.size()));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != kSessionCookie) continue;
    if (found) return std::nullopt;
    found = pair.substr(equals + 1);
  }
  return found && !found->empty() ? found : std::nullopt;
}

std::optional<std::string_view> bearer_of(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!are_equal_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  return trimmed(authorization.substr(kScheme.size()));
}

std::string set_cookie(std::string_view id, bool secure) {
  return cookie_with(id, secure);
}

std::string clear_cookie(bool secure) {
  return cookie_with("", secure) + "; Max-Age=0";
}

bool is_from_elsewhere(const Request& request, std::span<const std::string> origins) {
  if (!request.fetch_site.empty() && request.fetch_site != "same-origin" && request.fetch_site != "none") return true;
  if (request.origin.empty()) return false;  // no browser, or one that says nothing of a request of the same origin
  const std::string own = std::string(request.secure ? "https://" : "http://") + std::string(request.host);
  if (are_equal_ignoring_case(request.origin, own)) return false;
  return std::ranges::find(origins, request.origin) == origins.end();
}

bool is_asked_as_loopback(std::string_view host) {
  const std::string_view name = name_of_host(host);
  return are_equal_ignoring_case(name, "localhost") || name == "::1" || is_dotted_loopback(name);
}

}  // namespace carbongate::access

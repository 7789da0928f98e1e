// What of an HTTP request decides who may do what, and the checks that need nothing else.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace carbongate::access {

// Values of header fields, "" if absent; they live as long as the call. Fields that came twice: the server has refused
// the request, or joins them by ", ".
struct Request {
  std::string_view method = "GET";
  std::string_view host = {};           // Host
  std::string_view cookie = {};         // Cookie
  std::string_view authorization = {};  // Authorization
  std::string_view csrf_token = {};     // X-CSRF-Token
  std::string_view origin = {};         // Origin
  std::string_view fetch_site = {};     // Sec-Fetch-Site
  bool secure = false;                  // the browser speaks TLS, to us or to a proxy
  std::string_view address = {};        // of the client: "192.0.2.7", "2001:db8::7"; of a proxy's client what it said
};

// Why not, for the answer and for the audit log. `code` is for machines, and stays as it is.
struct Refusal {
  int status = 403;  // RFC 9110: 401 come back with credentials; 403 not with these; 421 not by this name; 429 not now
  std::string code;  // "wrong_password"
  std::string text;  // one sentence
  int retry_after_s = 0;  // of 429 and 503
};

inline constexpr std::string_view kSessionCookie = "carbongate_session";

// RFC 9110 section 9.2.1: whether the method is none that only looks.
bool changes_something(std::string_view method);

// The session's id of a Cookie field (RFC 6265 section 4.2). nullopt: none, or two, of which one may be planted.
std::optional<std::string_view> session_id_of(std::string_view cookie);

// The token of "Bearer TOKEN" (RFC 6750 section 2.1). nullopt: another scheme.
std::optional<std::string_view> bearer_of(std::string_view authorization);

// Set-Cookie: HttpOnly, SameSite=Strict, and Secure behind TLS. It lives as long as the browser runs.
std::string set_cookie(std::string_view id, bool secure);
std::string clear_cookie(bool secure);

// Whether a page of another origin makes the browser send this: by Sec-Fetch-Site, and by Origin, which must name the
// host asked, or be one of `origins` ("https://park.example"; for a proxy that rewrites Host).
bool is_from_elsewhere(const Request& request, std::span<const std::string> origins);

// Whether Host names this machine as nothing but itself can be named: else a page's own name may have been pointed here
// (DNS rebinding).
bool is_asked_as_loopback(std::string_view host);

}  // namespace carbongate::access

#include "drivers/http/frame_text.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace carbongate::http_driver {
namespace {

constexpr std::string_view kHidden = "***";
constexpr std::size_t kSecretMin = 4;      // shorter ones stand in any text by chance
constexpr std::size_t kQueryValueMin = 8;  // most of them are no secrets, but words and numbers
constexpr std::array<std::string_view, 8> kShown{"Content-Type", "Content-Encoding", "Content-Length", "Date",
                                                 "ETag",         "Last-Modified",    "Retry-After",    "Server"};

void add_if_long(std::vector<std::string>& secrets, std::string_view text, std::size_t bytes_min) {
  if (text.size() >= bytes_min) secrets.emplace_back(text);
}

std::string without(std::string text, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kHidden.size())) {
      text.replace(at, secret.size(), kHidden);
    }
  }
  return text;
}

}  // namespace

std::string request_text(const HttpPlan& plan) {
  const bool has_query = plan.endpoint.target.find('?') != std::string::npos;
  return "GET " + plan.endpoint.where + (has_query ? "?" + std::string(kHidden) : "");
}

std::vector<std::string> secrets_of(const HttpPlan& plan) {
  std::vector<std::string> secrets;
  const std::string authorization = http::authorization(plan.endpoint, "Bearer");
  add_if_long(secrets, std::string_view(authorization).substr(authorization.find(' ') + 1), kSecretMin);
  add_if_long(secrets, plan.endpoint.password.reveal(), kSecretMin);
  for (const Header& header : plan.headers) add_if_long(secrets, header.value.reveal(), kSecretMin);
  std::string_view query = plan.endpoint.target;
  query.remove_prefix(std::min(query.find('?'), query.size()));
  while (!query.empty()) {
    query.remove_prefix(1);
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(pair.size());
    add_if_long(secrets, pair.substr(std::min(pair.find('='), pair.size() - 1) + 1), kQueryValueMin);
  }
  // The longest first: one may stand in another.
  std::ranges::sort(secrets, [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  return secrets;
}

std::string response_text(const io::HttpResponse& response, const std::vector<std::string>& secrets,
                          std::size_t bytes_max) {
  std::string text = "HTTP " + std::to_string(response.status) + "\n";
  for (const std::string_view name : kShown) {
    if (const std::string_view value = response.header(name); !value.empty()) {
      text += std::string(name) + ": " + std::string(value) + "\n";
    }
  }
  const std::size_t longest = secrets.empty() ? 0 : secrets.front().size();
  text += "\n" + response.body.substr(0, bytes_max + longest);  // a secret may begin at the last byte that is shown
  text = without(std::move(text), secrets);
  if (text.size() > bytes_max) text.resize(bytes_max);
  return text;
}

}  // namespace carbongate::http_driver

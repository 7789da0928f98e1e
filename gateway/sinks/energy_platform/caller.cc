#include "gateway/sinks/energy_platform/caller.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <utility>

namespace carbongate::sinks::energy_platform {

namespace asio = boost::asio;
namespace codec = carbongate::energy_platform;

Caller::Caller(const Config& config, asio::any_io_executor executor, std::size_t answer_bytes_max)
    : config_(config), executor_(std::move(executor)), answer_bytes_max_(answer_bytes_max) {}

std::optional<Caller::Target> Caller::target_of(const std::string& url, std::string& why) const {
  if (url.starts_with('/')) return Target{config_.server, url};
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || parsed->host_address().empty() || (parsed->scheme() != "http" && parsed->scheme() != "https")) {
    why = "is no http or https address";
    return std::nullopt;
  }
  Target target;
  target.server.tls = parsed->scheme() == "https";
  target.server.host = parsed->host_address();
  target.server.port = parsed->has_port() ? parsed->port_number() : target.server.tls ? 443 : 80;
  if (target.server.tls) target.server.ca_file = config_.server.ca_file;
  target.path = std::string(parsed->encoded_path());
  if (target.path.empty()) target.path = "/";
  if (parsed->has_query()) target.path += "?" + std::string(parsed->encoded_query());
  if (config_.server.tls && !target.server.tls) {
    why = "is not encrypted, while the registration is";
    return std::nullopt;
  }
  return target;
}

io::HttpClient& Caller::client_of(const io::HttpServer& server) {
  const std::string key = fmt::format("{} {} {}", server.tls, server.host, server.port);
  if (!clients_.contains(key) && clients_.size() >= kServersMax) clients_.clear();
  auto& client = clients_[key];
  if (!client) {
    const io::HttpLimits limits{.timeout = config_.timeout, .response_bytes_max = answer_bytes_max_};
    client = std::make_unique<io::HttpClient>(executor_, server, limits);
  }
  return *client;
}

asio::awaitable<Outcome> Caller::post(std::string url, std::string body, std::string token) {
  Outcome outcome;
  std::string why;
  const auto target = target_of(url, why);
  const std::string where = url.substr(0, url.find('?'));
  if (!target) {
    outcome.trouble = fmt::format("{}: {}", where, why);
    co_return outcome;
  }
  const codec::TokenRules& rules = config_.dialect.token;
  if (!token.empty() && rules.header.empty() && body.ends_with('}')) {
    body.pop_back();
    const boost::json::string field(rules.field);
    const boost::json::string text(token);
    body += (body.ends_with('{') ? "" : ",") + boost::json::serialize(field) + ":" + boost::json::serialize(text) + "}";
  }
  io::HttpRequest request{target->path, {}, std::move(body)};
  request.headers.push_back({"Content-Type", "application/json; charset=utf-8"});
  request.headers.push_back({"Accept", "application/json"});
  if (!token.empty() && !rules.header.empty()) request.headers.push_back({rules.header, token});
  auto response = co_await client_of(target->server).post(std::move(request));
  if (!response) {
    outcome.trouble = response.error().text;
    co_return outcome;
  }
  if (response->status != 200) {
    outcome.trouble = fmt::format("{}: HTTP {}", where, response->status);
    co_return outcome;
  }
  if (response->body_cut) {
    outcome.trouble = fmt::format("{}: answers with more than {} bytes", where, answer_bytes_max_);
    co_return outcome;
  }
  outcome.answer = codec::decode_answer(response->body, config_.dialect, why);
  if (!outcome.answer) {
    outcome.trouble = fmt::format("{}: {}", where, why);
  } else if (!outcome.answer->is_success) {
    outcome.trouble = fmt::format("{}: {} {}: {}", where, config_.dialect.code_field, outcome.answer->code,
                                  outcome.answer->message.empty() ? "no reason" : outcome.answer->message);
  }
  outcome.text = std::move(response->body);
  co_return outcome;
}

}  // namespace carbongate::sinks::energy_platform

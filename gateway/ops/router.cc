#include "gateway/ops/router.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "config/reader/problem.h"
#include "config/reader/text.h"
#include "gateway/ops/problem.h"

namespace carbongate::ops {

namespace asio = boost::asio;

namespace {

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return segments;
}

// What stands for the parameters; nullopt: the path is another one.
std::optional<std::vector<std::string>> match(const Route& route, const std::vector<std::string>& segments) {
  const auto wanted = segments_of(route.path);
  const bool takes_rest = !wanted.empty() && wanted.back() == "{*}";
  if (takes_rest ? segments.size() < wanted.size() : segments.size() != wanted.size()) return std::nullopt;
  std::vector<std::string> parameters;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "{*}") {
      std::string rest;
      for (std::size_t k = i; k < segments.size(); ++k) rest += (k == i ? "" : "/") + segments[k];
      parameters.push_back(std::move(rest));
      break;
    }
    if (wanted[i].starts_with('{')) {
      if (segments[i].empty()) return std::nullopt;
      parameters.push_back(segments[i]);
    } else if (wanted[i] != segments[i]) {
      return std::nullopt;
    }
  }
  return parameters;
}

void add_if_absent(io::HttpAnswer& answer, std::string_view name, std::string_view value) {
  const auto same = [&](const io::HttpHeader& header) { return header.name == name; };
  if (std::ranges::none_of(answer.headers, same)) answer.headers.push_back({std::string(name), std::string(value)});
}

// OWASP secure headers; what is embedded elsewhere, guessed or cached is not ours to explain.
void harden(io::HttpAnswer& answer, bool secure) {
  add_if_absent(answer, "X-Content-Type-Options", "nosniff");
  add_if_absent(answer, "X-Frame-Options", "DENY");
  add_if_absent(answer, "Referrer-Policy", "no-referrer");
  add_if_absent(answer, "Cross-Origin-Opener-Policy", "same-origin");
  add_if_absent(answer, "Cross-Origin-Resource-Policy", "same-origin");
  add_if_absent(answer, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'");
  add_if_absent(answer, "Cache-Control", "no-store");
  if (secure) add_if_absent(answer, "Strict-Transport-Security", "max-age=31536000");
}

bool is_stream(const io::HttpAnswer& answer) {
  return std::ranges::any_of(answer.headers, [](const io::HttpHeader& header) {
    return header.name == "Content-Type" && header.value == "text/event-stream";
  });
}

// Ends with the login that it began with.
class GuardedStream final : public io::HttpSource {
 public:
  GuardedStream(std::unique_ptr<io::HttpSource> source, Admission& admission, Identity who)
      : source_(std::move(source)), admission_(admission), who_(std::move(who)) {}

  asio::awaitable<std::optional<std::string>> next() override {
    auto piece = co_await source_->next();
    if (!admission_.is_still_valid(who_)) co_return std::nullopt;
    co_return piece;
  }

 private:
  std::unique_ptr<io::HttpSource> source_;
  Admission& admission_;
  Identity who_;
};

bool is_question(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

}  // namespace

asio::awaitable<io::HttpAnswer> Router::answer(io::HttpCall call) {
  const bool secure = call.secure;
  Request request{.call = std::move(call), .path = {}};
  io::HttpAnswer answer;
  std::string escaped;
  try {
    answer = co_await route(request);
  } catch (const Refusal& refusal) {
    answer = problem(refusal.status, refusal.detail);
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    escaped = error.what();
  } catch (const std::exception& error) {
    escaped = error.what();
  }
  if (!escaped.empty()) {
    spdlog::error("{} {}: {}", request.call.method, request.path, escaped);
    answer = problem(500, "the gateway's log says more");
  }
  if (request.is_noted) co_await admission_.note(request, answer.status);
  if (answer.source && is_stream(answer)) {
    answer.source = std::make_unique<GuardedStream>(std::move(answer.source), admission_, request.who);
  }
  harden(answer, secure);
  co_return answer;
}

io::HttpAnswer Router::refusal(int status, std::string_view why, bool secure) {
  io::HttpAnswer answer = problem(status, why);
  harden(answer, secure);
  return answer;
}

asio::awaitable<io::HttpAnswer> Router::route(Request& request) {
  auto target = parse_target(request.call.target);
  if (!target) co_return problem(400, "the path or the query cannot be read");
  const std::string_view method = request.call.method == "HEAD" ? std::string_view("GET") : request.call.method;
  const Route* chosen = nullptr;
  std::string allowed;
  for (const Route& route : routes_) {
    auto parameters = match(route, target->segments);
    if (!parameters) continue;
    allowed += (allowed.empty() ? "" : ", ") + (route.method == "GET" ? std::string("GET, HEAD") : route.method);
    if (route.method != method) continue;
    chosen = &route;
    request.parameters = std::move(*parameters);
    break;
  }
  if (!chosen) {
    if (allowed.empty()) co_return problem(404, "there is nothing under this path");
    io::HttpAnswer refused = problem(405, "this path answers to " + allowed);
    refused.headers.push_back({"Allow", allowed});
    co_return refused;
  }
  request.path = chosen->path;
  request.query = std::move(target->query);
  auto admitted = admission_.admit(request.call, chosen->role, !is_question(method));
  if (auto* refused = std::get_if<io::HttpAnswer>(&admitted)) co_return std::move(*refused);
  request.who = std::get<Identity>(std::move(admitted));
  // What changes something, and what carries data away.
  request.is_noted = chosen->role && (!is_question(method) || request.path.starts_with("/api/v1/exports/"));
  for (const auto& [key, value] : request.query) {
    if (std::ranges::find(chosen->query, key) == chosen->query.end()) {
      co_return problem(
          400, fmt::format("unknown parameter '{}'{}", config::printable(key), config::suggestion(key, chosen->query)));
    }
  }
  co_return co_await chosen->handler(request);
}

io::HttpAnswer ok(std::string body, std::string_view type) {
  return {.status = 200, .headers = {{"Content-Type", std::string(type)}}, .body = std::move(body)};
}

io::HttpAnswer ok_tagged(const Request& request, std::string body, std::string_view type) {
  // FNV-1a, 64 bits: it tells versions apart, and nobody gains by a collision with an answer of our own.
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : body) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  const std::string tag = fmt::format("W/\"{:016x}\"", hash);
  const std::string_view known = request.call.header("If-None-Match");
  io::HttpAnswer answer;
  if (known == "*" || known.find(tag.substr(2)) != std::string_view::npos) {
    answer.status = 304;
  } else {
    answer = ok(std::move(body), type);
  }
  answer.headers.push_back({"ETag", tag});
  answer.headers.push_back({"Cache-Control", "private, no-cache"});
  return answer;
}

}  // namespace carbongate::ops

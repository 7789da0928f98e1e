#include "gateway/sinks/shared/http_store.h"

#include <fmt/format.h>

#include <utility>

namespace carbongate::sinks::shared {

namespace asio = boost::asio;
namespace errc = boost::system::errc;
using http::Verdict;

HttpStore::HttpStore(const HttpEndpoint& endpoint, Manner manner, std::chrono::milliseconds timeout,
                     asio::any_io_executor executor, io::Clock& clock)
    : target_(endpoint.target),
      where_(endpoint.where),
      authorization_(http::authorization(endpoint, manner.token_scheme)),
      manner_(manner),
      clock_(clock),
      client_(std::move(executor), endpoint.server, {.timeout = timeout}),
      health_(endpoint.name, clock) {}

asio::awaitable<void> HttpStore::rest() {
  if (!not_before_) co_return;
  co_await clock_.sleep_until(*not_before_);
  not_before_.reset();
}

asio::awaitable<std::optional<model::Fault>> HttpStore::send_all(Offer& offer, const Render& render) {
  while (const auto range = offer.next()) {
    std::optional<io::HttpRequest> request = render(*range);
    if (!request) {
      offer.refused("longer than a request may be");
      continue;
    }
    const auto answer = co_await send(std::move(*request));
    if (!answer) {
      health_.fault(answer.error());
      co_return answer.error();
    }
    health_.success();
    if (answer->verdict == Verdict::written) {
      offer.accepted();
    } else {
      offer.refused(answer->words, answer->dropped);
    }
  }
  co_return std::nullopt;
}

asio::awaitable<model::Result<http::WriteAnswer>> HttpStore::send(io::HttpRequest request) {
  request.target = target_;
  if (!authorization_.empty()) request.headers.push_back({"Authorization", authorization_});
  health_.request();
  const auto response = co_await client_.post(std::move(request));
  if (!response) co_return model::Fault{response.error().code, response.error().text};
  co_return judge(*response);
}

// An answer only if it is written, refused or too large.
model::Result<http::WriteAnswer> HttpStore::judge(const io::HttpResponse& response) {
  const http::WriteAnswer answer = manner_.read_answer(response.status, response.body);
  const auto fault = [&](errc::errc_t code, std::string_view advice) {
    return model::Fault{make_error_code(code),
                        fmt::format("{}: HTTP {}: {}{}", where_, response.status, answer.words, advice)};
  };
  switch (answer.verdict) {
    case Verdict::written:
    case Verdict::refused:
    case Verdict::too_large: return answer;
    case Verdict::busy:
      if (const auto wait = http::parse_retry_after(response.header("Retry-After"), clock_.now(), kRetryAfterMax)) {
        not_before_ = clock_.ticks() + *wait;
      }
      return fault(errc::resource_unavailable_try_again, "");
    case Verdict::denied:
      return fault(errc::permission_denied, "; check username and password, or the token, and what they may write");
    case Verdict::not_found: return fault(errc::no_such_file_or_directory, manner_.not_found_advice);
    case Verdict::failed: break;
  }
  const std::string_view location = response.header("Location");
  return fault(errc::protocol_error,
               location.empty() ? std::string() : fmt::format("; it points to {}: put that into the url", location));
}

}  // namespace carbongate::sinks::shared

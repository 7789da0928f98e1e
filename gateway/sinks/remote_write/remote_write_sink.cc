#include "gateway/sinks/remote_write/remote_write_sink.h"

#include <fmt/format.h>

#include <utility>

#include "gateway/sinks/remote_write/series.h"
#include "gateway/sinks/shared/time_series.h"
#include "protocols/remote_write/encode.h"

namespace carbongate::sinks::remote_write {

namespace asio = boost::asio;
namespace codec = carbongate::remote_write;
namespace errc = boost::system::errc;

RemoteWriteSink::RemoteWriteSink(Config config, asio::any_io_executor executor, io::Clock& clock)
    : config_(std::move(config)),
      clock_(clock),
      client_(std::move(executor), config_.server, {.timeout = config_.timeout}),
      authorization_(http::authorization(config_, "Bearer")),
      health_(config_.name, clock) {}

asio::awaitable<model::Result<ports::Delivery>> RemoteWriteSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  if (not_before_) {
    co_await clock_.sleep_until(*not_before_);
    not_before_.reset();
  }
  shared::Offer offer(rows);
  std::vector<const model::StoredRow*> sent;
  std::string reason;
  for (const model::StoredRow& row : rows) {
    shared::TimeSeriesPoint point;
    switch (shared::make_point(row, point, reason)) {
      case shared::Rendering::point:
        sent.push_back(&row);
        offer.add(row.sequence);
        break;
      case shared::Rendering::refused: offer.refuse(row.sequence, reason); break;
      case shared::Rendering::nothing: break;
    }
  }
  offer.begin();
  const std::optional<model::Fault> fault = co_await send_all(sent, offer);
  co_return offer.finish(fault, health_.status());
}

// Sends until all is settled (nullopt) or a fault ends it.
asio::awaitable<std::optional<model::Fault>> RemoteWriteSink::send_all(Rows rows, shared::Offer& offer) {
  while (const auto range = offer.next()) {
    const auto answer = co_await send(rows.subspan(range->begin, range->size()));
    if (!answer) {
      health_.fault(answer.error());
      co_return answer.error();
    }
    health_.success();
    if (answer->verdict == Verdict::written) {
      offer.accepted();
    } else {
      offer.refused(answer->words);
    }
  }
  co_return std::nullopt;
}

asio::awaitable<model::Result<Answer>> RemoteWriteSink::send(Rows rows) {
  SeriesSet set;
  std::string reason;
  for (const model::StoredRow* row : rows) {
    shared::TimeSeriesPoint point;
    if (shared::make_point(*row, point, reason) == shared::Rendering::point) set.add(point);
  }
  const std::string message = codec::encode(set.take());
  if (message.size() > kMessageBytesMax) co_return Answer{Verdict::too_large, "longer than a request may be"};

  io::HttpRequest request{config_.target,
                          {{"Content-Type", "application/x-protobuf"},
                           {"Content-Encoding", "snappy"},
                           {"X-Prometheus-Remote-Write-Version", std::string(codec::kVersion)}},
                          codec::compress(message)};
  if (!authorization_.empty()) request.headers.push_back({"Authorization", authorization_});
  if (!config_.tenant.empty()) request.headers.push_back({"X-Scope-OrgID", config_.tenant});
  health_.request();
  const auto response = co_await client_.post(std::move(request));
  if (!response) co_return model::Fault{response.error().code, response.error().text};
  co_return judge(*response);
}

model::Result<Answer> RemoteWriteSink::judge(const io::HttpResponse& response) {
  Answer answer = read_answer(response.status, response.body);
  const auto fault = [&](errc::errc_t code, std::string_view advice) {
    return model::Fault{make_error_code(code),
                        fmt::format("{}: HTTP {}: {}{}", config_.where, response.status, answer.words, advice)};
  };
  switch (answer.verdict) {
    case Verdict::written:
    case Verdict::refused:
    case Verdict::too_large: return answer;
    case Verdict::busy:
      if (const auto wait =
              http::parse_retry_after(response.header("Retry-After"), clock_.now(), shared::kRetryAfterMax)) {
        not_before_ = clock_.ticks() + *wait;
      }
      return fault(errc::resource_unavailable_try_again, "");
    case Verdict::denied:
      return fault(errc::permission_denied, "; check username and password, or the token, and what they may write");
    case Verdict::not_found:
      return fault(errc::no_such_file_or_directory,
                   "; check the path of the url, and that the server takes remote write "
                   "(Prometheus: --web.enable-remote-write-receiver)");
    case Verdict::failed: break;
  }
  const std::string_view location = response.header("Location");
  return fault(errc::protocol_error,
               location.empty() ? std::string() : fmt::format("; it points to {}: put that into the url", location));
}

}  // namespace carbongate::sinks::remote_write

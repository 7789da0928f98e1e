#include "gateway/sinks/line_protocol/line_protocol_sink.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "gateway/sinks/line_protocol/schema.h"
#include "gateway/sinks/shared/offer.h"
#include "gateway/sinks/shared/row_kind.h"
#include "protocols/line_protocol/response.h"
#include "protocols/wire/gzip.h"

namespace carbongate::sinks::line_protocol {

namespace asio = boost::asio;
namespace codec = carbongate::line_protocol;
namespace errc = boost::system::errc;

// The rows of one delivery as lines, and those that cannot become one. Lines of one measurement stand together: that is
// how servers refuse them (a field of another type), so few requests find them.
struct LineProtocolSink::Lines {
  std::string text;
  std::vector<std::size_t> begins{0};  // of line i; one more than there are lines
  shared::Offer offer;                 // a line is an item

  explicit Lines(std::span<const model::StoredRow> rows) : offer(rows) {
    for (std::size_t kind = 0; kind < shared::kRowKindCount; ++kind) {
      append_kind(rows, static_cast<shared::RowKind>(kind));
    }
    offer.begin();
  }

  void append_kind(std::span<const model::StoredRow> rows, shared::RowKind kind) {
    std::string reason;
    for (const model::StoredRow& row : rows) {
      if (shared::kind_of(row.body) != kind) continue;
      switch (append_row(text, row, reason)) {
        case shared::Rendering::point:
          begins.push_back(text.size());
          offer.add(row.sequence);
          break;
        case shared::Rendering::refused: offer.refuse(row.sequence, reason); break;
        case shared::Rendering::nothing: break;
      }
    }
  }

  std::string_view of(shared::Offer::Range range) const {
    return std::string_view(text).substr(begins[range.begin], begins[range.end] - begins[range.begin]);
  }
};

LineProtocolSink::LineProtocolSink(Config config, asio::any_io_executor executor, io::Clock& clock)
    : config_(std::move(config)),
      clock_(clock),
      client_(std::move(executor), config_.server, {.timeout = config_.timeout}),
      authorization_(http::authorization(config_, config_.dialect == Dialect::questdb ? "Bearer" : "Token")),
      health_(config_.name, clock) {}

asio::awaitable<model::Result<ports::Delivery>> LineProtocolSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  if (not_before_) {
    co_await clock_.sleep_until(*not_before_);
    not_before_.reset();
  }
  Lines lines(rows);
  const std::optional<model::Fault> fault = co_await send_all(lines);
  co_return lines.offer.finish(fault, health_.status());
}

// Sends until all is settled (nullopt) or a fault ends it.
asio::awaitable<std::optional<model::Fault>> LineProtocolSink::send_all(Lines& lines) {
  while (const auto range = lines.offer.next()) {
    const std::string_view text = lines.of(*range);
    model::Result<Reply> reply = Reply{Outcome::too_large, "longer than a request may be", std::nullopt};
    if (text.size() <= kBodyBytesMax) reply = co_await send(text);
    if (!reply) {
      health_.fault(reply.error());
      co_return std::move(reply).error();
    }
    health_.success();
    if (reply->outcome == Outcome::accepted) {
      lines.offer.accepted();
    } else {
      lines.offer.refused(reply->words, reply->outcome == Outcome::refused ? reply->dropped : std::nullopt);
    }
  }
  co_return std::nullopt;
}

asio::awaitable<model::Result<LineProtocolSink::Reply>> LineProtocolSink::send(std::string_view lines) {
  health_.request();
  auto response = co_await client_.post(make_request(lines));
  if (!response) co_return model::Fault{response.error().code, response.error().text};
  co_return judge(*response);
}

io::HttpRequest LineProtocolSink::make_request(std::string_view lines) const {
  io::HttpRequest request{config_.target, {{"Content-Type", "text/plain; charset=utf-8"}}, {}};
  if (!authorization_.empty()) request.headers.push_back({"Authorization", authorization_});
  if (config_.gzip) {
    request.headers.push_back({"Content-Encoding", "gzip"});
    request.body = wire::gzip(lines);
  } else {
    request.body = std::string(lines);
  }
  return request;
}

model::Result<LineProtocolSink::Reply> LineProtocolSink::judge(const io::HttpResponse& response) {
  codec::WriteAnswer answer = codec::read_write_answer(response.status, response.body);
  const auto fault = [&](errc::errc_t code, std::string_view advice) {
    return model::Fault{make_error_code(code),
                        fmt::format("{}: HTTP {}: {}{}", config_.where, response.status, answer.words, advice)};
  };
  switch (answer.verdict) {
    case codec::Verdict::written: return Reply{Outcome::accepted, {}, std::nullopt};
    case codec::Verdict::lines_refused: return Reply{Outcome::refused, std::move(answer.words), answer.dropped};
    case codec::Verdict::too_large: return Reply{Outcome::too_large, std::move(answer.words), std::nullopt};
    case codec::Verdict::busy:
      if (const auto wait =
              http::parse_retry_after(response.header("Retry-After"), clock_.now(), shared::kRetryAfterMax)) {
        not_before_ = clock_.ticks() + *wait;
      }
      return fault(errc::resource_unavailable_try_again, " (the server is busy)");
    case codec::Verdict::denied:
      return fault(errc::permission_denied, "; check username and password, or the token, and what they may write");
    case codec::Verdict::not_found:
      return fault(errc::no_such_file_or_directory, "; check the path of the url, and that the database exists");
    case codec::Verdict::failed: break;
  }
  const std::string_view location = response.header("Location");
  return fault(errc::protocol_error,
               location.empty() ? std::string() : fmt::format("; it points to {}: put that into the url", location));
}

}  // namespace carbongate::sinks::line_protocol

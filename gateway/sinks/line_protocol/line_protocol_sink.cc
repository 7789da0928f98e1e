#include "gateway/sinks/line_protocol/line_protocol_sink.h"

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
        case shared::Rendering::nothing: offer.leave_out(row.sequence); break;
      }
    }
  }

  std::string_view of(shared::Offer::Range range) const {
    return std::string_view(text).substr(begins[range.begin], begins[range.end] - begins[range.begin]);
  }
};

LineProtocolSink::LineProtocolSink(Config config, asio::any_io_executor executor, io::Clock& clock)
    : config_(std::move(config)),
      store_(config_,
             {.token_scheme = config_.dialect == Dialect::questdb ? "Bearer" : "Token",
              .read_answer = &codec::read_write_answer,
              .not_found_advice = "; check the path of the url, and that the database exists"},
             config_.timeout, std::move(executor), clock) {}

asio::awaitable<model::Result<ports::Delivery>> LineProtocolSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  co_await store_.rest();
  Lines lines(rows);
  const shared::HttpStore::Render render = [&](shared::Offer::Range range) { return make_request(lines.of(range)); };
  const std::optional<model::Fault> fault = co_await store_.send_all(lines.offer, render);
  co_return lines.offer.finish(fault, store_.status());
}

std::optional<io::HttpRequest> LineProtocolSink::make_request(std::string_view lines) const {
  if (lines.size() > kBodyBytesMax) return std::nullopt;
  io::HttpRequest request{{}, {{"Content-Type", "text/plain; charset=utf-8"}}, {}};
  if (config_.gzip) {
    request.headers.push_back({"Content-Encoding", "gzip"});
    request.body = wire::gzip(lines);
  } else {
    request.body = std::string(lines);
  }
  return request;
}

}  // namespace carbongate::sinks::line_protocol

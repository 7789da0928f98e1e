#include "gateway/sinks/remote_write/remote_write_sink.h"

#include <utility>

#include "gateway/sinks/remote_write/answer.h"
#include "gateway/sinks/shared/offer.h"
#include "gateway/sinks/shared/time_series.h"
#include "protocols/remote_write/encode.h"

namespace carbongate::sinks::remote_write {

namespace asio = boost::asio;
namespace codec = carbongate::remote_write;

namespace {

// Of a part of a delivery, after what was sent as a whole was refused.
SeriesSet series_of(std::span<const model::StoredRow* const> rows) {
  SeriesSet set;
  std::string reason;
  for (const model::StoredRow* row : rows) {
    shared::TimeSeriesPoint point;
    if (shared::make_point(*row, point, reason) == shared::Rendering::point) set.add(point);
  }
  return set;
}

}  // namespace

RemoteWriteSink::RemoteWriteSink(Config config, asio::any_io_executor executor, io::Clock& clock)
    : config_(std::move(config)),
      store_(config_,
             {.token_scheme = "Bearer",
              .read_answer = &read_answer,
              .not_found_advice = "; check the path of the url, and that the server takes remote write "
                                  "(Prometheus: --web.enable-remote-write-receiver)"},
             config_.timeout, std::move(executor), clock) {}

asio::awaitable<model::Result<ports::Delivery>> RemoteWriteSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  co_await store_.rest();
  shared::Offer offer(rows);
  std::vector<const model::StoredRow*> sent;
  SeriesSet all;
  std::string reason;
  for (const model::StoredRow& row : rows) {
    shared::TimeSeriesPoint point;
    switch (shared::make_point(row, point, reason)) {
      case shared::Rendering::point:
        sent.push_back(&row);
        all.add(point);
        offer.add(row.sequence);
        break;
      case shared::Rendering::refused: offer.refuse(row.sequence, reason); break;
      case shared::Rendering::nothing: offer.leave_out(row.sequence); break;
    }
  }
  offer.begin();
  const shared::HttpStore::Render render = [&](shared::Offer::Range range) {
    const auto rows_of = std::span(sent).subspan(range.begin, range.size());
    return make_request(rows_of.size() == sent.size() ? std::exchange(all, {}) : series_of(rows_of));
  };
  const std::optional<model::Fault> fault = co_await store_.send_all(offer, render);
  co_return offer.finish(fault, store_.status());
}

std::optional<io::HttpRequest> RemoteWriteSink::make_request(SeriesSet set) const {
  const std::string message = codec::encode(set.take());
  if (message.size() > kMessageBytesMax) return std::nullopt;

  io::HttpRequest request{{},
                          {{"Content-Type", "application/x-protobuf"},
                           {"Content-Encoding", "snappy"},
                           {"X-Prometheus-Remote-Write-Version", std::string(codec::kVersion)}},
                          codec::compress(message)};
  if (!config_.tenant.empty()) request.headers.push_back({"X-Scope-OrgID", config_.tenant});
  return request;
}

}  // namespace carbongate::sinks::remote_write

#include "gateway/sinks/line_protocol/line_protocol_sink.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "gateway/sinks/line_protocol/gzip.h"
#include "protocols/line_protocol/response.h"

namespace carbongate::sinks::line_protocol {

namespace asio = boost::asio;
namespace codec = carbongate::line_protocol;
namespace errc = boost::system::errc;

namespace {

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and the NUL that OpenSSL writes
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string authorization(const Config& config) {
  if (!config.token.empty()) return "Token " + config.token.reveal();
  if (!config.username.empty()) return "Basic " + base64(config.username + ":" + config.password.reveal());
  return {};
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, io::WallTime now) {
  const auto limited = [](std::chrono::milliseconds wait) {
    return std::clamp<std::chrono::milliseconds>(wait, std::chrono::milliseconds(0), kRetryAfterMax);
  };
  std::uint64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc::result_out_of_range) return kRetryAfterMax;
  if (error == std::errc{} && end == text.data() + text.size()) {
    return limited(std::chrono::seconds(std::min<std::uint64_t>(seconds, 86'400)));
  }
  tm date{};
  const std::string terminated(text);
  if (::strptime(terminated.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date) == nullptr) return std::nullopt;
  return limited(io::WallTime(std::chrono::seconds(::timegm(&date))) - now);
}

// The rows of one delivery as lines, and those that cannot become one. Lines of one measurement stand together: that is
// how servers refuse them (a field of another type), so few requests find them.
struct LineProtocolSink::Lines {
  std::string text;
  std::vector<std::size_t> begins{0};    // of line i; one more than there are lines
  std::vector<std::uint64_t> sequences;  // of the row that became line i
  std::vector<ports::RejectedRow> refused;

  Lines(std::span<const model::StoredRow> rows, const RowKinds& wanted) {
    for (std::size_t kind = 0; kind < kRowKindCount; ++kind) {
      if (wanted.test(kind)) append_kind(rows, static_cast<RowKind>(kind));
    }
  }

  void append_kind(std::span<const model::StoredRow> rows, RowKind kind) {
    std::string reason;
    for (const model::StoredRow& row : rows) {
      if (kind_of(row.body) != kind) continue;
      switch (append_row(text, row, reason)) {
        case Rendering::line:
          begins.push_back(text.size());
          sequences.push_back(row.sequence);
          break;
        case Rendering::refused: refused.push_back({row.sequence, reason}); break;
        case Rendering::nothing: break;
      }
    }
  }

  std::size_t size() const { return sequences.size(); }
  std::string_view of(DeliveryPlan::Range range) const {
    return std::string_view(text).substr(begins[range.begin], begins[range.end] - begins[range.begin]);
  }

  // The first row that is not settled while these lines are pending.
  std::uint64_t first_open(const std::vector<DeliveryPlan::Range>& pending) const {
    std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
    for (const DeliveryPlan::Range& range : pending) {
      for (std::size_t i = range.begin; i < range.end; ++i) first = std::min(first, sequences[i]);
    }
    return first;
  }
};

LineProtocolSink::LineProtocolSink(Config config, asio::any_io_executor executor, io::Clock& clock)
    : config_(std::move(config)),
      clock_(clock),
      client_(std::move(executor), config_.server, {.timeout = config_.timeout}),
      authorization_(authorization(config_)) {
  status_.name = config_.name;
  status_.since = clock_.now();
}

asio::awaitable<model::Result<ports::Delivery>> LineProtocolSink::deliver(std::span<const model::StoredRow> rows) {
  ports::Delivery delivery;
  if (rows.empty()) co_return delivery;
  if (not_before_) {
    co_await clock_.sleep_until(*not_before_);
    not_before_.reset();
  }
  const Lines lines(rows, config_.rows);
  DeliveryPlan plan(lines.size());
  delivery.rejected = lines.refused;
  const std::optional<model::Fault> fault = co_await send_all(lines, plan, delivery.rejected);

  // A fault half-way leaves the beginning settled; the rest, and what was refused in it, is offered again.
  delivery.settled_through = fault ? lines.first_open(plan.pending()) - 1 : rows.back().sequence;
  if (fault && delivery.settled_through < rows.front().sequence) co_return *fault;
  const std::uint64_t settled = delivery.settled_through;
  std::erase_if(delivery.rejected, [&](const auto& row) { return row.sequence > settled; });
  std::ranges::sort(delivery.rejected, {}, &ports::RejectedRow::sequence);
  count(lines, delivery);
  co_return delivery;
}

void LineProtocolSink::count(const Lines& lines, const ports::Delivery& delivery) {
  const auto is_settled = [&](std::uint64_t sequence) { return sequence <= delivery.settled_through; };
  const auto settled = std::ranges::count_if(lines.sequences, is_settled) +
                       std::ranges::count_if(lines.refused, is_settled, &ports::RejectedRow::sequence);
  status_.rows_rejected += delivery.rejected.size();
  status_.rows_accepted += static_cast<std::size_t>(settled) - delivery.rejected.size();
}

// Sends until all is settled (nullopt) or a fault ends it.
asio::awaitable<std::optional<model::Fault>> LineProtocolSink::send_all(const Lines& lines, DeliveryPlan& plan,
                                                                        std::vector<ports::RejectedRow>& rejected) {
  while (const auto range = plan.next()) {
    const std::string_view text = lines.of(*range);
    model::Result<Reply> reply = Reply{Outcome::too_large, "longer than a request may be", std::nullopt};
    if (text.size() <= kBodyBytesMax) reply = co_await send(text);
    if (!reply) {
      note_fault(reply.error());
      co_return std::move(reply).error();
    }
    note_success();
    bool given_up = false;
    switch (reply->outcome) {
      case Outcome::accepted: plan.accepted(); break;
      case Outcome::refused: given_up = plan.refused(reply->dropped); break;
      case Outcome::too_large: given_up = plan.too_large(); break;
    }
    for (std::size_t i = range->begin; given_up && i < range->end; ++i) {
      rejected.push_back({lines.sequences[i], reply->words});
    }
  }
  co_return std::nullopt;
}

asio::awaitable<model::Result<LineProtocolSink::Reply>> LineProtocolSink::send(std::string_view lines) {
  ++status_.requests;
  auto response = co_await client_.post(make_request(lines));
  if (!response) co_return model::Fault{response.error().code, response.error().text};
  co_return judge(*response);
}

io::HttpRequest LineProtocolSink::make_request(std::string_view lines) const {
  io::HttpRequest request{config_.target, {{"Content-Type", "text/plain; charset=utf-8"}}, {}};
  if (!authorization_.empty()) request.headers.push_back({"Authorization", authorization_});
  if (config_.gzip) {
    request.headers.push_back({"Content-Encoding", "gzip"});
    request.body = gzip(lines);
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
      if (const auto wait = parse_retry_after(response.header("Retry-After"), clock_.now())) {
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

void LineProtocolSink::note_success() {
  if (status_.healthy) return;
  status_.healthy = true;
  status_.since = clock_.now();
  status_.detail.clear();
}

void LineProtocolSink::note_fault(const model::Fault& fault) {
  ++status_.failures;
  status_.detail = fault.text;
  if (!status_.healthy && status_.failures > 1) return;
  status_.healthy = false;
  status_.since = clock_.now();
}

}  // namespace carbongate::sinks::line_protocol

#include "gateway/sinks/webhook/webhook_sink.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>
#include <vector>

#include "gateway/sinks/shared/message_batch.h"
#include "protocols/http/signature.h"
#include "protocols/wire/one_line.h"

namespace carbongate::sinks::webhook {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kWordsBytesMax = 200;

// What the server said, on one line.
std::string words_of(const io::HttpResponse& response) {
  const std::string said = wire::one_line(response.body, kWordsBytesMax);
  return fmt::format("HTTP {}{}{}", response.status, said.empty() ? "" : ": ", said);
}

}  // namespace

WebhookSink::WebhookSink(Config config, std::string store, asio::any_io_executor executor, io::Clock& clock)
    : config_(std::move(config)),
      store_(std::move(store)),
      clock_(clock),
      client_(std::move(executor), config_.server, {.timeout = config_.timeout}),
      authorization_(http::authorization(config_, "Bearer")),
      json_(config_.time_zone, store_),
      health_(config_.name, clock) {}

asio::awaitable<model::Result<ports::Delivery>> WebhookSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  shared::MessageBatch batch(rows);
  std::vector<Event> events;
  std::vector<const model::StoredRow*> sent_rows;  // of the events
  for (const model::StoredRow& row : rows) {
    Event event;
    if (write(row, event)) {
      events.push_back(std::move(event));
      sent_rows.push_back(&row);
      batch.add(row.sequence);
    } else {
      note(row, {.id = shared::row_key(store_, row.sequence), .body = {}},
           {.refused = event.body, .trouble = {}, .sent = clock_.now()});
      batch.refuse(row.sequence, std::move(event.body));
    }
  }
  std::size_t settled = 0;
  std::string trouble;
  for (; settled < events.size(); ++settled) {
    Answer answer = co_await send(events[settled]);
    note(*sent_rows[settled], events[settled], answer);
    trouble = std::move(answer.trouble);
    if (!trouble.empty()) break;
    if (!answer.refused.empty()) batch.refuse_message(settled, std::move(answer.refused));
  }
  co_return std::move(batch).finish(settled, trouble, health_);
}

bool WebhookSink::write(const model::StoredRow& row, Event& event) {
  if (config_.format == Format::cloudevents) return write_cloud_event(row, store_, json_, event);
  event = alertmanager_event(row, store_);
  if (!event.body.empty()) return true;
  event.body = "Alertmanager takes alerts only";
  return false;
}

asio::awaitable<WebhookSink::Answer> WebhookSink::send(const Event& event) {
  if (not_before_) {
    co_await clock_.sleep_until(*not_before_);
    not_before_.reset();
  }
  const bool is_cloud_event = config_.format == Format::cloudevents;
  const std::string type = is_cloud_event ? "application/cloudevents+json; charset=utf-8" : "application/json";
  io::HttpRequest request{config_.target, {{"Content-Type", type}}, event.body};
  if (!authorization_.empty()) request.headers.push_back({"Authorization", authorization_});
  if (!config_.secret.empty()) {
    const std::int64_t now = std::chrono::floor<std::chrono::seconds>(clock_.now()).time_since_epoch().count();
    request.headers.push_back({"webhook-id", event.id});
    request.headers.push_back({"webhook-timestamp", std::to_string(now)});
    request.headers.push_back({"webhook-signature", http::webhook_signature(*http::webhook_key(config_.secret.reveal()),
                                                                            event.id, now, event.body)});
  }
  health_.request();
  const Instant sent = clock_.now();
  auto response = co_await client_.post(std::move(request));
  if (!response) co_return Answer{.refused = {}, .trouble = response.error().text, .sent = sent};
  Answer answer = judge(*response);
  answer.words = words_of(*response);
  answer.sent = sent;
  co_return answer;
}

void WebhookSink::note(const model::StoredRow& row, const Event& event, const Answer& answer) {
  using Outcome = ports::Attempt::Outcome;
  if (!shared::is_recorded(row)) return;
  const bool is_answered = !answer.words.empty();
  const Outcome outcome = !answer.trouble.empty()   ? Outcome::open
                          : !answer.refused.empty() ? Outcome::refused
                                                    : Outcome::received;
  log_.add({.sequence = row.sequence,
            .id = event.id,
            .sent = answer.sent,
            .answered = is_answered ? std::optional(clock_.now()) : std::nullopt,
            .outcome = outcome,
            .answer = is_answered               ? answer.words
                      : !answer.trouble.empty() ? answer.trouble
                                                : answer.refused});
}

WebhookSink::Answer WebhookSink::judge(const io::HttpResponse& response) {
  const int status = response.status;
  const bool is_success = (status >= 200 && status < 300) || status == 409;
  if (is_success && wire::is_web_page(response.body)) {
    return {.refused = {},
            .trouble = fmt::format("{}: {}, a page for people: something stands before the receiver, such as a login",
                                   config_.where, words_of(response))};
  }
  if (is_success) return {};
  if (status == 400 || status == 410 || status == 413 || status == 415 || status == 422) {
    return {.refused = words_of(response), .trouble = {}};
  }
  if (const auto wait = http::parse_retry_after(response.header("Retry-After"), clock_.now(), shared::kRetryAfterMax);
      wait && (status == 429 || status == 503)) {
    not_before_ = clock_.ticks() + *wait;
  }
  std::string_view advice;
  if (status == 401 || status == 403) advice = "; check username and password, the token or the secret";
  if (status == 404 || status == 405) advice = "; check the path of the url";
  if (status >= 300 && status < 400) advice = "; it points elsewhere: put that address into the url";
  return {.refused = {}, .trouble = fmt::format("{}: {}{}", config_.where, words_of(response), advice)};
}

}  // namespace carbongate::sinks::webhook

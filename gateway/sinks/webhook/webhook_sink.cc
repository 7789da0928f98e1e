#include "gateway/sinks/webhook/webhook_sink.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
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

std::string words_of(const io::HttpResponse& response) {
  const std::string said = wire::one_line(response.body, kWordsBytesMax);
  return fmt::format("HTTP {}{}{}", response.status, said.empty() ? "" : ": ", said);
}

}  // namespace

WebhookSink::WebhookSink(Config config, std::string store_id, asio::any_io_executor executor, io::Clock& clock,
                         ports::Store* store, IsOffered is_offered)
    : config_(std::move(config)),
      store_id_(std::move(store_id)),
      clock_(clock),
      store_(store),
      is_offered_(std::move(is_offered)),
      client_(executor, config_.server, {.timeout = config_.timeout}),
      authorization_(http::authorization(config_, "Bearer")),
      sending_(executor),
      json_(config_.time_zone, store_id_, config_.escalated_from),
      health_(config_.name, clock) {}

asio::awaitable<model::Result<ports::Delivery>> WebhookSink::deliver(std::span<const model::StoredRow> rows) {
  co_return co_await deliver(rows, true);
}

asio::awaitable<model::Result<ports::Delivery>> WebhookSink::deliver_again(std::span<const model::StoredRow> rows) {
  co_return co_await deliver(rows, false);
}

asio::awaitable<model::Result<ports::Delivery>> WebhookSink::deliver(std::span<const model::StoredRow> rows,
                                                                     bool is_news) {
  if (rows.empty()) co_return ports::Delivery{};
  if (auto read = co_await read_firing(); !read) co_return std::move(read).error();
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
      note(row, {.id = shared::row_key(store_id_, row.sequence), .body = {}},
           {.refused = event.body, .trouble = {}, .sent = clock_.now()});
      batch.refuse(row.sequence, std::move(event.body));
    }
  }
  std::size_t settled = 0;
  std::string trouble;
  for (; settled < events.size(); ++settled) {
    const auto turn = co_await sending_.take();
    if (config_.format == Format::alertmanager)
      write(*sent_rows[settled], events[settled]);  // it ends so long from now
    health_.request();
    Answer answer = co_await send(events[settled]);
    if (is_news) remember(*sent_rows[settled], events[settled], answer);
    note(*sent_rows[settled], events[settled], answer);
    trouble = std::move(answer.trouble);
    if (!trouble.empty()) break;
    if (!answer.refused.empty()) batch.refuse_message(settled, std::move(answer.refused));
  }
  if (auto kept = co_await keep_firing(); !kept) co_return std::move(kept).error();
  co_return std::move(batch).finish(settled, trouble, health_);
}

// Until a repeat of it, or for good where there are too many. In a time that nobody knows nothing is soon.
Instant WebhookSink::end_of_firing(const model::StoredRow& row) const {
  const auto* alert = row.body.get_if<model::Alert>();
  if (alert == nullptr) return {};
  const bool is_repeated = clock_.is_known() && firing_.has_room_for(alert->id);
  return is_repeated ? clock_.now() + kIntervalsToEnd * config_.repeat_every : alert->at + kFiringFor;
}

void WebhookSink::remember(const model::StoredRow& row, const Event& event, const Answer& answer) {
  const auto* alert = row.body.get_if<model::Alert>();
  if (config_.format != Format::alertmanager || alert == nullptr || !answer.trouble.empty()) return;
  if (!model::is_active(alert->stage)) {
    firing_.drop(alert->id);
  } else if (answer.refused.empty() && firing_.has_room_for(alert->id) && (!is_offered_ || is_offered_(*row.series))) {
    firing_.put(alert->id, event.body);
  }
}

asio::awaitable<void> WebhookSink::attend() {
  if (config_.format != Format::alertmanager) co_return;
  co_await clock_.sleep_until(clock_.ticks() + std::min<std::chrono::milliseconds>(kFirstRepeat, config_.repeat_every));
  while (true) {
    const io::SteadyTime next = clock_.ticks() + config_.repeat_every;
    if (const auto read = co_await read_firing(); read && clock_.is_known()) co_await tell_again();
    co_await clock_.sleep_until(next);
  }
}

// What does not arrive is told again in its turn.
asio::awaitable<void> WebhookSink::tell_again() {
  for (std::string after;;) {
    const auto turn = co_await sending_.take();
    Event event;
    event.body = firing_.told_again(after, kToldAtOnce, clock_.now() + kIntervalsToEnd * config_.repeat_every);
    if (event.body.empty()) co_return;
    event.id = "repeat";
    const Answer answer = co_await send(event);
    const std::string& why = answer.trouble.empty() ? answer.refused : answer.trouble;
    if (why.empty()) {
      repeat_trouble_.clear();
    } else if (std::exchange(repeat_trouble_, why) != why) {
      spdlog::warn("sink {}: what fires could not be told again: {}", config_.name, why);
    }
    if (!answer.trouble.empty()) co_return;
  }
}

asio::awaitable<model::Result<void>> WebhookSink::read_firing() {
  if (has_read_firing_ || store_ == nullptr || config_.format != Format::alertmanager) co_return model::Result<void>();
  const auto text = co_await store_->kept(config_.name, kFiringName);
  if (!text) co_return text.error();
  if (std::exchange(has_read_firing_, true)) co_return model::Result<void>();  // deliver() and attend() ask for it
  const std::size_t ended = firing_.read(text->value_or(""), is_offered_);
  if (ended == 0) co_return model::Result<void>();
  spdlog::info(
      "sink {}: {} alerts that fired are told no more: they are no longer configured, or `select` leaves them out",
      config_.name, ended);
  co_return co_await keep_firing();  // what is offered again later may have ended meanwhile
}

asio::awaitable<model::Result<void>> WebhookSink::keep_firing() {
  if (!firing_.is_changed() || store_ == nullptr) co_return model::Result<void>();
  auto kept = co_await store_->keep(config_.name, kFiringName, firing_.to_text());
  if (!kept) firing_.keep_again();
  co_return kept;
}

bool WebhookSink::write(const model::StoredRow& row, Event& event) {
  if (config_.format == Format::cloudevents) return write_cloud_event(row, store_id_, json_, event);
  event = alertmanager_event(row, store_id_, end_of_firing(row), config_.escalated_from);
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

#include "gateway/sinks/mail/mail_sink.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "gateway/sinks/shared/json_row.h"
#include "gateway/sinks/shared/message_batch.h"
#include "protocols/io/elsewhere.h"

namespace carbongate::sinks::mail {
namespace {

// Which one the subject is about: of those that fire the most severe, else the first.
std::size_t lead_of(std::span<const model::StoredRow> rows) {
  std::size_t lead = 0;
  std::optional<model::Severity> severity;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto* alert = rows[i].body.get_if<model::Alert>();
    if (!alert || alert->stage != model::AlertStage::firing || (severity && alert->severity <= *severity)) continue;
    lead = i;
    severity = alert->severity;
  }
  return lead;
}

// What alerts have become, where it is not the same of all: " (1 firing, 2 resolved)".
std::string stages_of(std::span<const model::StoredRow> rows, bool zh) {
  std::map<model::AlertStage, std::size_t> counts;
  for (const model::StoredRow& row : rows) {
    if (const auto* alert = row.body.get_if<model::Alert>()) ++counts[alert->stage];
  }
  if (counts.size() < 2) return {};
  std::string text;
  for (const auto& [stage, count] : counts) {
    if (!text.empty()) text += zh ? "，" : ", ";
    text += zh ? fmt::format("{} {}", to_string_zh(stage), count) : fmt::format("{} {}", count, to_string(stage));
  }
  return zh ? "（" + text + "）" : " (" + text + ")";
}

}  // namespace

MailSink::MailSink(Config config, std::string store, io::Clock& clock)
    : config_(std::make_shared<const Config>(std::move(config))),
      store_(std::move(store)),
      clock_(clock),
      notices_(config_->notice),
      health_(config_->name, clock) {}

boost::asio::awaitable<model::Result<ports::Delivery>> MailSink::deliver(Rows rows) {
  if (rows.empty()) co_return ports::Delivery{};
  shared::MessageBatch batch(rows);
  for (const model::StoredRow& row : rows) batch.add(row.sequence);
  const std::size_t count = rows.size();
  smtp::Sent sent = co_await send(rows);
  if (!sent.is_refused) co_return std::move(batch).finish(sent.is_accepted ? count : 0, sent.trouble, health_);
  std::size_t settled = 0;
  for (; settled < count; ++settled) {
    if (count > 1) sent = co_await send(rows.subspan(settled, 1));
    if (!sent.is_accepted && !sent.is_refused) break;
    if (sent.is_refused) batch.refuse_message(settled, sent.words);
  }
  co_return std::move(batch).finish(settled, sent.trouble, health_);
}

boost::asio::awaitable<smtp::Sent> MailSink::send(Rows rows) {
  health_.request();
  const Instant begun = clock_.now();
  smtp::Mail mail = write(rows);
  const std::string id = mail.id;
  const auto queue = thread_.queue();
  auto work = [config = config_, mail = std::move(mail), queue] {
    return smtp::send(config->server, mail, [&queue] { return queue->is_to_end(); });
  };
  smtp::Sent sent =
      co_await io::elsewhere<smtp::Sent>([queue](std::function<void()> run) { queue->post(std::move(run)); },
                                         std::move(work), [queue] { queue->cancel(); });
  note(rows, id, begun, sent);
  co_return sent;
}

// Of several that are refused together each is sent once more.
void MailSink::note(Rows rows, const std::string& id, Instant begun, const smtp::Sent& sent) {
  using Outcome = ports::Attempt::Outcome;
  const bool is_final = sent.is_accepted || (sent.is_refused && rows.size() == 1);
  for (const model::StoredRow& row : rows) {
    log_.add({.sequence = row.sequence,
              .id = id,
              .sent = begun,
              .answered = is_final ? std::optional(clock_.now()) : std::nullopt,
              .outcome = !is_final          ? Outcome::open
                         : sent.is_accepted ? Outcome::received
                                            : Outcome::refused,
              .answer = is_final ? sent.words : sent.trouble});
  }
}

smtp::Mail MailSink::write(Rows rows) {
  smtp::Mail mail{.from = config_->from,
                  .to = config_->to,
                  .id = shared::row_key(store_, rows.front().sequence),
                  .domain = config_->from.substr(config_->from.rfind('@') + 1),
                  .date = std::chrono::floor<std::chrono::seconds>(clock_.now())};
  const std::size_t lead = lead_of(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    shared::Notice notice = notices_.write(rows[i]);
    if (i == lead) mail.subject = std::move(notice.headline);
    if (!mail.text.empty()) mail.text += '\n';
    mail.text += notice.text;
    mail.is_urgent = mail.is_urgent || notice.is_urgent;
  }
  if (rows.size() > 1) {
    mail.id += fmt::format("-{}", rows.back().sequence);
    const bool zh = config_->notice.language == shared::Language::zh;
    mail.subject += zh ? fmt::format(" 等 {} 条", rows.size()) : fmt::format(" and {} more", rows.size() - 1);
    mail.subject += stages_of(rows, zh);
  }
  return mail;
}

}  // namespace carbongate::sinks::mail

#include "gateway/sinks/mail/mail_sink.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

#include "gateway/sinks/shared/json_row.h"
#include "gateway/sinks/shared/message_batch.h"
#include "protocols/io/elsewhere.h"

namespace carbongate::sinks::mail {

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
  for (const model::StoredRow& row : rows) {
    shared::Notice notice = notices_.write(row);
    if (mail.subject.empty()) mail.subject = std::move(notice.headline);
    if (!mail.text.empty()) mail.text += '\n';
    mail.text += notice.text;
    mail.is_urgent = mail.is_urgent || notice.is_urgent;
  }
  if (rows.size() > 1) {
    mail.id += fmt::format("-{}", rows.back().sequence);
    mail.subject +=
        fmt::format(fmt::runtime(config_->notice.language == shared::Language::zh ? " 等 {} 条" : " and {} more"),
                    config_->notice.language == shared::Language::zh ? rows.size() : rows.size() - 1);
  }
  return mail;
}

}  // namespace carbongate::sinks::mail

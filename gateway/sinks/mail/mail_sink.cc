#include "gateway/sinks/mail/mail_sink.h"

#include <fmt/format.h>

#include <chrono>
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

boost::asio::awaitable<model::Result<ports::Delivery>> MailSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  shared::MessageBatch batch(rows);
  for (const model::StoredRow& row : rows) batch.add(row.sequence);
  health_.request();
  const Instant sent = clock_.now();
  const auto queue = thread_.queue();
  auto work = [config = config_, mail = write(rows), queue] {
    return smtp::send(config->server, mail, [&queue] { return queue->is_to_end(); });
  };
  const smtp::Sent outcome =
      co_await io::elsewhere<smtp::Sent>([queue](std::function<void()> run) { queue->post(std::move(run)); },
                                         std::move(work), [queue] { queue->cancel(); });
  batch.note_in({.log = &log_, .store = store_, .sent = sent, .now = clock_.now(), .answer = outcome.words});
  if (outcome.is_refused) {
    for (std::size_t i = 0; i < rows.size(); ++i) batch.refuse_message(i, outcome.words);
  }
  const bool is_settled = outcome.is_accepted || outcome.is_refused;
  co_return std::move(batch).finish(is_settled ? rows.size() : 0, outcome.trouble, health_);
}

smtp::Mail MailSink::write(std::span<const model::StoredRow> rows) {
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

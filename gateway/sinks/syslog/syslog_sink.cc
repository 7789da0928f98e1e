#include "gateway/sinks/syslog/syslog_sink.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "gateway/model/carrier.h"
#include "gateway/model/coverage.h"
#include "gateway/model/entry_name.h"
#include "gateway/sinks/shared/json_row.h"
#include "gateway/sinks/shared/message_batch.h"
#include "protocols/wire/one_line.h"

namespace carbongate::sinks::syslog {

namespace asio = boost::asio;
using carbongate::syslog::Message;
using carbongate::syslog::Severity;

namespace {

Severity severity_of(const model::Alert& alert) {
  if (alert.stage != model::AlertStage::firing) return Severity::notice;
  switch (alert.severity) {
    case model::Severity::critical: return Severity::critical;
    case model::Severity::warning: return Severity::warning;
    case model::Severity::info: return Severity::informational;
  }
  return Severity::notice;
}

// The key behind it stays.
std::string shortened(std::string text) {
  return wire::one_line(std::move(text), carbongate::syslog::kTextBytesMax - 100);
}

}  // namespace

SyslogSink::SyslogSink(Config config, std::string store, asio::any_io_executor executor, io::Clock& clock)
    : config_(std::move(config)),
      store_(std::move(store)),
      executor_(std::move(executor)),
      clock_(clock),
      notices_(config_.notice),
      health_(config_.name, clock) {}

asio::awaitable<model::Result<ports::Delivery>> SyslogSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  shared::MessageBatch batch(rows);
  std::string frames;
  for (const model::StoredRow& row : rows) {
    frames += carbongate::syslog::to_frame(to_text(write(row)));
    batch.add(row.sequence);
  }
  health_.request();
  const Instant sent = clock_.now();
  const auto outcome = co_await carbongate::syslog::send(executor_, clock_, config_.server, std::move(frames));
  note(rows, sent, outcome);
  co_return std::move(batch).finish(outcome.is_taken ? rows.size() : 0, outcome.trouble, health_);
}

void SyslogSink::note(std::span<const model::StoredRow> rows, Instant begun, const carbongate::syslog::Sent& sent) {
  using Outcome = ports::Attempt::Outcome;
  const Outcome outcome = sent.is_confirmed ? Outcome::received : sent.is_taken ? Outcome::sent : Outcome::open;
  const std::string answer = sent.is_confirmed ? "read to its end"
                             : sent.is_taken   ? "acknowledged by the machine, its end not seen"
                                               : sent.trouble;
  for (const model::StoredRow& row : rows) {
    log_.add({.sequence = row.sequence,
              .id = shared::row_key(store_, row.sequence),
              .sent = begun,
              .answered = sent.is_confirmed ? std::optional(clock_.now()) : std::nullopt,
              .outcome = outcome,
              .answer = answer});
  }
}

Message SyslogSink::write(const model::StoredRow& row) {
  const model::Series& series = *row.series;
  const std::string key = shared::row_key(store_, row.sequence);
  Message message{.facility = config_.facility,
                  .severity = Severity::informational,
                  .at = clock_.now(),
                  .host = config_.host,
                  .app = "carbongate",
                  .id = "report",
                  .text = fmt::format("{} [{}]", shortened(notices_.write(row).headline), key)};
  const auto* alert = row.body.get_if<model::Alert>();
  if (alert != nullptr) {
    message.id = "alert";
    message.at = alert->at;
    message.severity = severity_of(*alert);
  }
  if (config_.enterprise == 0) return message;
  message.data_id = fmt::format("{}@{}", message.id, config_.enterprise);
  message.data = {
      {"key", key},          {"site", series.site},       {"device", series.device}, {"point", series.point},
      {"user", series.user}, {"carrier", series.carrier}, {"rule", series.rule}};
  const std::string& escalated_from = config_.notice.escalated_from;
  if (!escalated_from.empty()) message.data.emplace_back("escalated_from", escalated_from);
  if (alert != nullptr) {
    message.data.emplace_back("id", alert->id);
    message.data.emplace_back("state", to_string(alert->stage));
    message.data.emplace_back("severity", to_string(alert->severity));
    if (alert->of) {
      message.data.emplace_back("period_begin", model::format_utc(alert->of->begin));
      message.data.emplace_back("period_end", model::format_utc(alert->of->end));
      if (alert->of->coverage) {
        message.data.emplace_back("coverage_percent", model::format_fixed(*alert->of->coverage, model::kPerPercent));
      }
    }
  }
  return message;
}

}  // namespace carbongate::sinks::syslog

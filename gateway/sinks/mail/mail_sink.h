// Alerts and reports to one address, by mail.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/sinks/mail/config.h"
#include "gateway/sinks/shared/attempt_log.h"
#include "gateway/sinks/shared/health.h"
#include "gateway/sinks/shared/notice.h"
#include "protocols/io/blocking_thread.h"
#include "protocols/io/clock.h"

namespace carbongate::sinks::mail {

// Rows that wait together are one mail, in the order of the journal; the receipt is the server's answer to it. A mail
// of several that the server refuses for good is parted into mails of one; one that it refuses (550, 553 or 554 after
// DATA) is rejected with its words. Everything else is a fault, and sent again. libcurl blocks, on a thread of the
// sink's own.
class MailSink final : public ports::Sink {
 public:
  // `store`: the store's id. `clock` outlives the sink.
  MailSink(Config config, std::string store, io::Clock& clock);

  const std::string& name() const override { return config_->name; }
  std::size_t batch_rows() const override { return config_->batch_rows; }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  std::vector<ports::Attempt> take_attempts() override { return log_.take(); }
  ports::SinkStatus status() const override { return health_.status(); }

 private:
  using Rows = std::span<const model::StoredRow>;

  boost::asio::awaitable<smtp::Sent> send(Rows rows);  // as one mail
  smtp::Mail write(Rows rows);
  void note(Rows rows, const std::string& id, Instant begun, const smtp::Sent& sent);

  const std::shared_ptr<const Config> config_;  // the thread's too
  const std::string store_;
  io::Clock& clock_;
  shared::NoticeWriter notices_;
  shared::Health health_;
  shared::AttemptLog log_;
  io::BlockingThread thread_{[] {}};
};

}  // namespace carbongate::sinks::mail

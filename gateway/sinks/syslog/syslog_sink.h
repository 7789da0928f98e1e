// Alerts and reports to a syslog server (RFC 5424), one message each.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <span>
#include <string>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/sinks/shared/attempt_log.h"
#include "gateway/sinks/shared/health.h"
#include "gateway/sinks/shared/notice.h"
#include "gateway/sinks/syslog/config.h"
#include "protocols/io/clock.h"
#include "protocols/syslog/message.h"

namespace carbongate::sinks::syslog {

// A delivery is a connection; what stands for a receipt is the end of its stream (protocols/syslog/connection.h). The
// headline is the message, with the row's key behind it: a message that comes again has the same.
class SyslogSink final : public ports::Sink {
 public:
  // `store`: the store's id. `clock` outlives the sink.
  SyslogSink(Config config, std::string store, boost::asio::any_io_executor executor, io::Clock& clock);

  const std::string& name() const override { return config_.name; }
  std::size_t batch_rows() const override { return config_.batch_rows; }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  std::vector<ports::Attempt> take_attempts() override { return log_.take(); }
  ports::SinkStatus status() const override { return health_.status(); }

 private:
  carbongate::syslog::Message write(const model::StoredRow& row);
  void note(std::span<const model::StoredRow> rows, Instant begun, const carbongate::syslog::Sent& sent);

  const Config config_;
  const std::string store_;
  boost::asio::any_io_executor executor_;
  io::Clock& clock_;
  shared::NoticeWriter notices_;
  shared::Health health_;
  shared::AttemptLog log_;
};

}  // namespace carbongate::sinks::syslog

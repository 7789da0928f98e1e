// Rows of the journal into files, rotated by day and size.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <span>
#include <string>

#include "gateway/ports/sink.h"
#include "gateway/sinks/file/config.h"
#include "gateway/sinks/file/row_files.h"
#include "gateway/sinks/shared/health.h"
#include "protocols/io/clock.h"

namespace carbongate::sinks::file {

// Settles rows when they are on disk. A full disk, or a full directory, is a fault: the rows wait in the journal.
class FileSink final : public ports::Sink {
 public:
  FileSink(Config config, std::string store, boost::asio::any_io_executor executor, io::Clock& clock);
  ~FileSink() override;

  const std::string& name() const override { return name_; }
  std::size_t batch_rows() const override { return batch_rows_; }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver_again(std::span<const model::StoredRow> rows) override;
  ports::SinkStatus status() const override { return health_.status(); }

 private:
  struct Outcome;

  boost::asio::awaitable<model::Result<ports::Delivery>> write(std::span<const model::StoredRow> rows, bool again);
  boost::asio::awaitable<Outcome> on_worker(std::span<const model::StoredRow> rows, bool again);

  std::string name_;
  std::size_t batch_rows_;
  boost::asio::any_io_executor executor_;
  io::Clock& clock_;
  std::shared_ptr<RowFiles> files_;  // the worker's
  shared::Health health_;
  boost::asio::thread_pool worker_{1};  // disks may be slow; the loop is not to wait for them
};

}  // namespace carbongate::sinks::file

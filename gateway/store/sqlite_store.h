// ports::Store on SQLite: write-ahead log, every commit synced, one connection on one thread of its own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gateway/model/site.h"
#include "gateway/ports/store.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {

class Journal;

// The file is carbongate.db in StoreConfig::path; a lock beside it keeps other processes from writing. Readers
// (History) may come and go while it is open.
//
// A sink holds retention back from the first time it asks (peek or settle) after the store was opened. Sinks that are
// no longer configured never ask: their cursors stay in the file, in case they return, but keep nothing from being
// dropped.
//
// Destroy before the loops whose coroutines wait for it: what was asked for is finished first, and the file is closed.
class SqliteStore final : public ports::Store {
 public:
  // Opens or creates the store. One that is damaged is set aside and what can be read of it goes on: see
  // StoreStatus::repaired. Fault: cannot be made, written or repaired, in use, or of a newer version. The site is only
  // read during the call.
  static model::Result<std::unique_ptr<SqliteStore>> open(const StoreConfig& config, const model::Site& site);
  ~SqliteStore() override;

  // Waits for the store thread. Throws std::runtime_error if the state cannot be read; open() has read it once.
  model::Checkpoint checkpoint() override;

  // Fault: nothing of it was written; the same may succeed later (disk full, I/O error).
  boost::asio::awaitable<model::Result<void>> commit(model::Effects effects) override;
  boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek(std::string sink,
                                                                            std::size_t limit) override;
  boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_behind(std::string sink,
                                                                                   std::uint64_t after,
                                                                                   std::size_t limit) override;
  boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> alerts_behind(std::uint64_t after,
                                                                                     std::size_t limit) override;
  boost::asio::awaitable<model::Result<void>> open_live(std::string sink, std::uint64_t rows) override;
  boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_live(std::string sink,
                                                                                 std::size_t limit) override;
  boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> readings_before(std::uint64_t before,
                                                                                       std::uint64_t rows) override;
  boost::asio::awaitable<model::Result<void>> settle(std::string sink, ports::Delivery delivery) override;

  boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_retries(std::string sink,
                                                                                    std::size_t limit) override;
  boost::asio::awaitable<model::Result<void>> settle_retries(std::string sink, ports::Retried outcome) override;
  boost::asio::awaitable<model::Result<void>> record(std::string sink, std::vector<ports::Attempt> attempts) override;
  boost::asio::awaitable<model::Result<std::vector<ports::Recorded>>> recorded(std::string sink, std::uint64_t from,
                                                                               std::uint64_t to) override;

  boost::asio::awaitable<model::Result<void>> keep(std::string sink, std::string name, std::string value) override;
  boost::asio::awaitable<model::Result<std::optional<std::string>>> kept(std::string sink, std::string name) override;
  boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> reports(ports::ReportQuery query) override;

  boost::asio::awaitable<model::Result<void>> seal(Instant at) override;

  boost::asio::awaitable<model::Result<std::vector<ports::SinkAccount>>> audit(std::uint64_t count_max) override;

  ports::StoreStatus status() const override;  // any thread

  int found_version() const { return found_version_; }  // as Journal's; any thread

 private:
  SqliteStore(const StoreConfig& config, std::unique_ptr<Journal> journal);

  // Runs `work` on the store thread; its result comes back on the executor of the coroutine that waits. It cannot be
  // cancelled once it has been handed over.
  template <class Value, class Work>
  boost::asio::awaitable<model::Result<Value>> on_store_thread(Work work);
  void publish_status();
  void note_damage(const model::Fault& fault);

  std::filesystem::path directory_;
  std::unique_ptr<Journal> journal_;  // the store thread's
  const int found_version_;
  std::string damage_;  // the store thread's; empty: nothing known
  mutable std::mutex status_mutex_;
  ports::StoreStatus status_;
  boost::asio::io_context queue_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> open_;
  std::jthread thread_;
};

}  // namespace carbongate::store

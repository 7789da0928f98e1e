#include "gateway/store/sqlite_store.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/errc.hpp>
#include <chrono>
#include <exception>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>

#include "gateway/store/database.h"
#include "gateway/store/journal.h"
#include "gateway/store/known_damage.h"

namespace carbongate::store {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kReadAgain{3};

bool is_damage(const model::Fault& fault) {
  return fault.code == boost::system::errc::make_error_code(boost::system::errc::bad_message);
}

}  // namespace

model::Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const StoreConfig& config, const model::Site& site) {
  int unreadable = 0;
  const auto open_once = [&] {
    return guarded(config.path, [&] {
      try {
        return std::unique_ptr<SqliteStore>(new SqliteStore(config, std::make_unique<Journal>(config, site)));
      } catch (const SqliteError& error) {
        unreadable += error.is_unreadable() ? 1 : 0;
        throw;
      }
    });
  };
  auto store = open_once();
  if (unreadable == 1) {  // a disk that was away for a moment may do better
    std::this_thread::sleep_for(kReadAgain);
    store = open_once();
  }
  if (!store.has_error() || (!is_damage(store.error()) && unreadable < 2)) return store;
  mark_damaged(config.path, store.error().text);
  return open_once();
}

SqliteStore::SqliteStore(const StoreConfig& config, std::unique_ptr<Journal> journal)
    : directory_(config.path),
      journal_(std::move(journal)),
      found_version_(journal_->found_version()),
      status_(journal_->status()),
      open_(queue_.get_executor()),
      thread_([this] { queue_.run(); }) {}

SqliteStore::~SqliteStore() {
  open_.reset();
  thread_.join();  // after all that was asked for
}

template <class Value, class Work>
asio::awaitable<model::Result<Value>> SqliteStore::on_store_thread(Work work) {
  using Answer = model::Result<Value>;
  auto initiation = [this](auto handler, Work task) {
    // Keeps the caller's loop running although it has nothing to do meanwhile.
    auto caller = asio::make_work_guard(asio::get_associated_executor(handler));
    asio::post(queue_,
               [this, handler = std::move(handler), task = std::move(task), caller = std::move(caller)]() mutable {
                 std::exception_ptr escaped;
                 Answer answer;
                 try {
                   answer = guarded(directory_, task);
                 } catch (...) {
                   escaped = std::current_exception();
                 }
                 if (answer.has_error() && is_damage(answer.error())) note_damage(answer.error());
                 publish_status();
                 const auto executor = caller.get_executor();
                 asio::post(executor, [handler = std::move(handler), escaped, answer = std::move(answer)]() mutable {
                   std::move(handler)(escaped, std::move(answer));
                 });
               });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr, Answer)>(
      std::move(initiation), asio::use_awaitable, std::move(work));
}

asio::awaitable<model::Result<void>> SqliteStore::commit(model::Effects effects) {
  return on_store_thread<void>([this, effects = std::move(effects)] { journal_->commit(effects); });
}

asio::awaitable<model::Result<std::vector<model::StoredRow>>> SqliteStore::peek(std::string sink, std::size_t limit) {
  return on_store_thread<std::vector<model::StoredRow>>(
      [this, sink = std::move(sink), limit] { return journal_->peek(sink, limit); });
}

asio::awaitable<model::Result<std::vector<model::StoredRow>>> SqliteStore::peek_behind(std::string sink,
                                                                                       std::uint64_t after,
                                                                                       std::size_t limit) {
  return on_store_thread<std::vector<model::StoredRow>>(
      [this, sink = std::move(sink), after, limit] { return journal_->peek_behind(sink, after, limit); });
}

asio::awaitable<model::Result<std::vector<model::StoredRow>>> SqliteStore::alerts_behind(std::uint64_t after,
                                                                                         std::size_t limit) {
  return on_store_thread<std::vector<model::StoredRow>>(
      [this, after, limit] { return journal_->alerts_behind(after, limit); });
}

asio::awaitable<model::Result<void>> SqliteStore::open_live(std::string sink, std::uint64_t rows) {
  return on_store_thread<void>([this, sink = std::move(sink), rows] { journal_->open_live(sink, rows); });
}

asio::awaitable<model::Result<std::vector<model::StoredRow>>> SqliteStore::peek_live(std::string sink,
                                                                                     std::size_t limit) {
  return on_store_thread<std::vector<model::StoredRow>>(
      [this, sink = std::move(sink), limit] { return journal_->peek_live(sink, limit); });
}

asio::awaitable<model::Result<std::vector<model::StoredRow>>> SqliteStore::readings_before(std::uint64_t before,
                                                                                           std::uint64_t rows) {
  return on_store_thread<std::vector<model::StoredRow>>(
      [this, before, rows] { return journal_->readings_before(before, rows); });
}

asio::awaitable<model::Result<void>> SqliteStore::settle(std::string sink, ports::Delivery delivery) {
  return on_store_thread<void>(
      [this, sink = std::move(sink), delivery = std::move(delivery)] { journal_->settle(sink, delivery); });
}

asio::awaitable<model::Result<std::vector<model::StoredRow>>> SqliteStore::peek_retries(std::string sink,
                                                                                        std::size_t limit) {
  return on_store_thread<std::vector<model::StoredRow>>(
      [this, sink = std::move(sink), limit] { return journal_->peek_retries(sink, limit); });
}

asio::awaitable<model::Result<void>> SqliteStore::settle_retries(std::string sink, ports::Retried outcome) {
  return on_store_thread<void>(
      [this, sink = std::move(sink), outcome = std::move(outcome)] { journal_->settle_retries(sink, outcome); });
}

asio::awaitable<model::Result<void>> SqliteStore::record(std::string sink, std::vector<ports::Attempt> attempts) {
  return on_store_thread<void>(
      [this, sink = std::move(sink), attempts = std::move(attempts)] { journal_->record(sink, attempts); });
}

asio::awaitable<model::Result<std::vector<ports::Recorded>>> SqliteStore::recorded(std::string sink, std::uint64_t from,
                                                                                   std::uint64_t to) {
  return on_store_thread<std::vector<ports::Recorded>>(
      [this, sink = std::move(sink), from, to] { return journal_->recorded(sink, from, to); });
}

asio::awaitable<model::Result<std::vector<ports::SinkAccount>>> SqliteStore::audit(std::uint64_t count_max) {
  return on_store_thread<std::vector<ports::SinkAccount>>([this, count_max] { return journal_->audit(count_max); });
}

asio::awaitable<model::Result<void>> SqliteStore::keep(std::string sink, std::string name, std::string value) {
  return on_store_thread<void>([this, sink = std::move(sink), name = std::move(name), value = std::move(value)] {
    journal_->keep(sink, name, value);
  });
}

asio::awaitable<model::Result<std::optional<std::string>>> SqliteStore::kept(std::string sink, std::string name) {
  return on_store_thread<std::optional<std::string>>(
      [this, sink = std::move(sink), name = std::move(name)] { return journal_->kept(sink, name); });
}

asio::awaitable<model::Result<std::vector<model::StoredRow>>> SqliteStore::reports(ports::ReportQuery query) {
  ReportSearch search;
  while (!search.is_done) {  // others have their turn between
    auto step = [this, query, so_far = std::move(search)]() mutable {
      return journal_->search(query, std::move(so_far));
    };
    auto more = co_await on_store_thread<ReportSearch>(std::move(step));
    if (!more) co_return std::move(more).error();
    search = std::move(*more);
  }
  co_return std::move(search.found);
}

asio::awaitable<model::Result<void>> SqliteStore::seal(Instant at) {
  return on_store_thread<void>([this, at] { journal_->seal(at); });
}

model::Checkpoint SqliteStore::checkpoint() {
  std::promise<model::Result<model::Checkpoint>> promise;
  asio::post(queue_, [&] {
    try {
      promise.set_value(guarded(directory_, [this] { return journal_->checkpoint(); }));
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  });
  return promise.get_future().get().value();  // throws the fault's text
}

void SqliteStore::note_damage(const model::Fault& fault) {
  mark_damaged(directory_, fault.text);
  damage_ = fault.text;
}

void SqliteStore::publish_status() {
  const std::lock_guard lock(status_mutex_);
  status_ = journal_->status();
  status_.damage = damage_;
}

ports::StoreStatus SqliteStore::status() const {
  const std::lock_guard lock(status_mutex_);
  return status_;
}

}  // namespace carbongate::store

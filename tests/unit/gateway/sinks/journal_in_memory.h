// A journal in memory with one cursor: the store of a pump.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/ports/store.h"

namespace carbongate::sinks {

namespace asio = boost::asio;

class JournalInMemory final : public ports::Store {
 public:
  void append(std::size_t rows) {
    for (std::size_t i = 0; i < rows; ++i) {
      rows_.push_back({rows_.size() + 1, std::make_shared<model::Series>(), model::JudgedReading{}});
    }
  }
  void append(std::shared_ptr<const model::Series> series, model::RowBody body) {
    rows_.push_back({rows_.size() + 1, std::move(series), std::move(body)});
  }
  void append_alert() {
    rows_.push_back({rows_.size() + 1, std::make_shared<model::Series>(), model::Alert{}});
    last_notice_ = rows_.size();
  }
  void fail_next_settles(int times) { failing_settles_ = times; }
  void fail_next_peek() { fail_peek_ = true; }
  void fail_next_peek_behind() { fail_peek_behind_ = true; }
  std::function<void()> during_peek;  // what happens between asking and the answer

  std::uint64_t settled() const { return settled_; }
  std::size_t rows_read() const { return rows_read_; }
  const std::vector<ports::RejectedRow>& dead_letters() const { return dead_letters_; }

  model::Checkpoint checkpoint() override { return {}; }
  asio::awaitable<model::Result<std::vector<ports::SinkAccount>>> audit(std::uint64_t) override {
    co_return std::vector<ports::SinkAccount>{};
  }
  asio::awaitable<model::Result<void>> commit(model::Effects) override { co_return model::Result<void>(); }
  asio::awaitable<model::Result<void>> keep(std::string, std::string, std::string) override {
    co_return model::Result<void>();
  }
  asio::awaitable<model::Result<std::optional<std::string>>> kept(std::string, std::string) override {
    co_return std::optional<std::string>();
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> reports(ports::ReportQuery) override {
    co_return std::vector<model::StoredRow>{};
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek(std::string, std::size_t limit) override {
    if (std::exchange(fail_peek_, false)) co_return fault();
    std::vector<model::StoredRow> oldest(rows_.begin() + std::int64_t(settled_), rows_.end());
    if (oldest.size() > limit) oldest.resize(limit);
    if (during_peek) std::exchange(during_peek, nullptr)();
    rows_read_ += oldest.size();
    co_return oldest;
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_behind(std::string, std::uint64_t after,
                                                                            std::size_t limit) override {
    if (std::exchange(fail_peek_behind_, false)) co_return fault();
    std::vector<model::StoredRow> next(rows_.begin() + std::int64_t(after), rows_.end());
    if (next.size() > limit) next.resize(limit);
    rows_read_ += next.size();
    co_return next;
  }
  asio::awaitable<model::Result<void>> open_live(std::string, std::uint64_t) override {
    co_return model::Result<void>();
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_live(std::string, std::size_t) override {
    co_return std::vector<model::StoredRow>{};
  }
  void retry(std::uint64_t sequence) { retries_.insert(sequence); }
  const std::set<std::uint64_t>& retries() const { return retries_; }
  const std::vector<ports::RejectedRow>& refused_again() const { return refused_again_; }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_retries(std::string, std::size_t limit) override {
    std::vector<model::StoredRow> oldest;
    for (const auto s : retries_) {
      if (oldest.size() < limit) oldest.push_back(rows_[s - 1]);
    }
    co_return oldest;
  }
  asio::awaitable<model::Result<void>> settle_retries(std::string, ports::Retried outcome) override {
    if (failing_settles_ > 0 && failing_settles_-- > 0) co_return fault();
    keep_attempts(outcome.attempts, "!");
    for (const auto s : outcome.accepted) retries_.erase(s);
    for (const auto& row : outcome.rejected) retries_.erase(row.sequence);
    refused_again_.insert(refused_again_.end(), outcome.rejected.begin(), outcome.rejected.end());
    co_return model::Result<void>();
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> readings_before(std::uint64_t before,
                                                                                std::uint64_t rows) override {
    const std::uint64_t first = before - std::min(rows, before - 1);
    co_return std::vector<model::StoredRow>(rows_.begin() + std::int64_t(first) - 1,
                                            rows_.begin() + std::int64_t(before) - 1);
  }
  asio::awaitable<model::Result<void>> seal(Instant) override { co_return model::Result<void>(); }

  // "3 HTTP 503", and "!" behind it if something was settled with it.
  const std::vector<std::string>& attempts() const { return attempts_; }
  void keep_attempts(const std::vector<ports::Attempt>& attempts, const char* mark) {
    for (const auto& one : attempts) attempts_.push_back(std::to_string(one.sequence) + " " + one.answer + mark);
  }
  asio::awaitable<model::Result<void>> record(std::string, std::vector<ports::Attempt> attempts) override {
    keep_attempts(attempts, "");
    if (attempts.empty()) ++saved_;
    if (during_save) std::exchange(during_save, nullptr)();
    co_return model::Result<void>();
  }
  int saved() const { return saved_; }  // how far it is, without an attempt
  std::function<void()> during_save;

  asio::awaitable<model::Result<void>> settle(std::string, ports::Delivery delivery) override {
    if (failing_settles_ > 0 && failing_settles_-- > 0) co_return fault();
    settled_ = delivery.settled_through;
    keep_attempts(delivery.attempts, "!");
    dead_letters_.insert(dead_letters_.end(), delivery.rejected.begin(), delivery.rejected.end());
    co_return model::Result<void>();
  }
  ports::StoreStatus status() const override {
    ports::StoreStatus status;
    status.last_sequence = rows_.size();
    status.last_notice = last_notice_;
    return status;
  }

 private:
  static model::Fault fault() { return {make_error_code(boost::system::errc::no_space_on_device), "disk full"}; }

  std::vector<model::StoredRow> rows_;
  std::vector<ports::RejectedRow> dead_letters_;
  std::set<std::uint64_t> retries_;
  std::vector<ports::RejectedRow> refused_again_;
  std::vector<std::string> attempts_;
  std::uint64_t last_notice_ = 0;
  std::uint64_t settled_ = 0;
  std::size_t rows_read_ = 0;
  int saved_ = 0;
  int failing_settles_ = 0;
  bool fail_peek_ = false;
  bool fail_peek_behind_ = false;
};

}  // namespace carbongate::sinks

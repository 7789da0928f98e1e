// A sink that keeps what it is offered, and fails as a test tells it to.
#pragma once

#include <deque>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/ports/sink.h"

namespace carbongate::testing {

// Accepts everything unless a reaction is queued: each call of deliver() uses up one.
class FakeSink final : public ports::Sink {
 public:
  using Reaction = std::function<model::Result<ports::Delivery>(std::span<const model::StoredRow>)>;

  explicit FakeSink(std::string name = "fake", std::size_t batch_rows = 100) : batch_rows_(batch_rows) {
    status_.name = std::move(name);
    status_.healthy = true;
  }

  void next(Reaction reaction) { reactions_.push_back(std::move(reaction)); }
  void fail_next(std::string text, boost::system::errc::errc_t code = boost::system::errc::connection_refused) {
    next([=](auto) { return model::Fault{make_error_code(code), text}; });
  }

  void be_out_of_reach() { status_.healthy = false; }  // until something is delivered

  void has_sent(ports::Attempt attempt) { attempts_.push_back(std::move(attempt)); }

  // Every row of every accepted delivery, in order; a row that was offered again is there again.
  const std::vector<model::StoredRow>& accepted() const { return accepted_; }
  std::size_t offers() const { return offers_; }

  const std::string& name() const override { return status_.name; }
  std::size_t batch_rows() const override { return batch_rows_; }
  std::vector<ports::Attempt> take_attempts() override { return std::exchange(attempts_, {}); }
  ports::SinkStatus status() const override { return status_; }

  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override {
    ++offers_;
    ++status_.requests;
    model::Result<ports::Delivery> result = ports::Delivery{rows.back().sequence, {}};
    if (!reactions_.empty()) {
      const Reaction reaction = std::move(reactions_.front());
      reactions_.pop_front();
      result = reaction(rows);
    }
    status_.healthy = result.has_value();
    if (!result) {
      ++status_.failures;
      status_.detail = result.error().text;
      co_return result;
    }
    for (const model::StoredRow& row : rows) {
      if (row.sequence <= result->settled_through) accepted_.push_back(row);
    }
    status_.rows_accepted = accepted_.size();
    status_.rows_rejected += result->rejected.size();
    co_return result;
  }

 private:
  std::size_t batch_rows_;
  std::size_t offers_ = 0;
  std::deque<Reaction> reactions_;
  std::vector<model::StoredRow> accepted_;
  std::vector<ports::Attempt> attempts_;
  ports::SinkStatus status_;
};

}  // namespace carbongate::testing

// What a pump logs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/ports/store.h"
#include "protocols/io/clock.h"

namespace carbongate::sinks {

// Of a sink by this name; without one, as if nothing was settled.
ports::StoreStatus::Cursor cursor_of(const ports::StoreStatus& store, const std::string& sink);

// Turns the outcome of every attempt into few log lines: one when trouble begins or changes its kind, one when it ends.
// The references outlive it.
class PumpLog {
 public:
  PumpLog(const ports::Sink& sink, const ports::Store& store, const io::Clock& clock)
      : name_(sink.name()), store_(store), clock_(clock) {}

  void trouble(const model::Fault& fault);
  void success();
  void rejected(const std::vector<ports::RejectedRow>& rows);
  void parted(const ports::StoreStatus::Cursor& cursor, std::uint64_t rate);
  void backlog_trouble(const std::string& text);
  void backlog_moves() { backlog_trouble_.clear(); }
  void joined();
  void retries_wait(const std::string& text);
  void retried(const ports::Retried& outcome);

 private:
  std::uint64_t rows_waiting() const;

  std::string name_;
  const ports::Store& store_;
  const io::Clock& clock_;
  std::optional<io::SteadyTime> trouble_since_;
  boost::system::error_code code_;
  std::string backlog_trouble_;  // as logged last
  std::string retries_trouble_;
  std::uint64_t unlogged_ = 0;
  std::optional<io::SteadyTime> rejection_logged_;
};

}  // namespace carbongate::sinks

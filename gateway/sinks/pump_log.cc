#include "gateway/sinks/pump_log.h"

#include <fmt/chrono.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace carbongate::sinks {
namespace {

constexpr std::chrono::minutes kRejectionLogEvery{1};

}  // namespace

ports::StoreStatus::Cursor cursor_of(const ports::StoreStatus& store, const std::string& sink) {
  const auto cursor = std::ranges::find(store.cursors, sink, &ports::StoreStatus::Cursor::sink);
  return cursor == store.cursors.end() ? ports::StoreStatus::Cursor{.sink = sink} : *cursor;
}

std::uint64_t PumpLog::rows_waiting() const {
  const ports::StoreStatus store = store_.status();
  return cursor_of(store, name_).waiting(store.last_sequence);
}

void PumpLog::trouble(const model::Fault& fault) {
  const bool news = !trouble_since_ || fault.code != code_;
  if (!trouble_since_) trouble_since_ = clock_.ticks();
  code_ = fault.code;
  if (news) {
    spdlog::warn("sink {}: {}; {} rows wait in the journal, trying again", name_, fault.text, rows_waiting());
  }
}

void PumpLog::success() {
  if (!trouble_since_) return;
  const auto lasted = std::chrono::round<std::chrono::seconds>(clock_.ticks() - *trouble_since_);
  spdlog::info("sink {}: delivering again after {} of trouble; {} rows wait", name_, lasted, rows_waiting());
  trouble_since_.reset();
}

void PumpLog::rejected(const std::vector<ports::RejectedRow>& rows) {
  if (rows.empty()) return;
  unlogged_ += rows.size();
  if (rejection_logged_ && clock_.ticks() - *rejection_logged_ < kRejectionLogEvery) return;
  spdlog::warn("sink {}: {} rows rejected for good and kept in the dead-letter list, such as row {}: {}", name_,
               std::exchange(unlogged_, 0), rows.front().sequence, rows.front().reason);
  rejection_logged_ = clock_.ticks();
}

void PumpLog::parted(const ports::StoreStatus::Cursor& cursor, std::uint64_t rate) {
  spdlog::info("sink {}: the newest rows go first, from row {} on; {} older ones are sent beside them, {} in a second",
               name_, cursor.ahead.back().begun + 1, cursor.behind(), rate);
}

void PumpLog::backlog_trouble(const std::string& text) {
  if (text != backlog_trouble_) spdlog::warn("sink {}: the backlog waits: {}", name_, text);
  backlog_trouble_ = text;
}

void PumpLog::joined() {
  spdlog::info("sink {}: the backlog is sent, all rows go in their order again", name_);
}

void PumpLog::retries_wait(const std::string& text) {
  if (text != retries_trouble_) spdlog::warn("sink {}: dead letters wait to be offered again: {}", name_, text);
  retries_trouble_ = text;
}

void PumpLog::retried(const ports::Retried& outcome) {
  retries_trouble_.clear();
  spdlog::info(
      "sink {}: {} dead letters offered again: {} accepted, {} back in the list{}{}", name_,
      outcome.accepted.size() + outcome.rejected.size(), outcome.accepted.size(), outcome.rejected.size(),
      outcome.rejected.empty() ? "" : ", such as: ", outcome.rejected.empty() ? "" : outcome.rejected.front().reason);
}

}  // namespace carbongate::sinks

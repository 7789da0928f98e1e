// What a sink has sent of alerts and reports, until the store keeps it.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "gateway/model/rows.h"
#include "gateway/ports/sink.h"

namespace carbongate::sinks::shared {

// Whether deliveries of it are recorded: alerts, and reports of a period. Instants are sent every few seconds, and go
// with the readings.
inline bool is_recorded(const model::StoredRow& row) {
  if (row.body.get_if<model::Alert>() != nullptr) return true;
  const auto* report = row.body.get_if<model::Report>();
  return report != nullptr && report->kind != model::ReportKind::real_time;
}

// Not thread-safe.
class AttemptLog {
 public:
  static constexpr std::size_t kMax = 20'000;  // not taken yet; what is beyond is not recorded

  void add(ports::Attempt attempt) {
    if (attempts_.size() < kMax) attempts_.push_back(std::move(attempt));
  }
  std::vector<ports::Attempt> take() { return std::exchange(attempts_, {}); }

 private:
  std::vector<ports::Attempt> attempts_;
};

}  // namespace carbongate::sinks::shared

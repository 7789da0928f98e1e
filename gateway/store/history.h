// Reading a store from outside: beside a running gateway, or after it has stopped.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "gateway/model/errors.h"
#include "gateway/model/rows.h"

namespace carbongate::store {

// A read-only connection. Nothing is ever held for long: rows are read in short transactions, so that a slow consumer
// neither stops the gateway nor makes its write-ahead log grow. One thread.
class History {
 public:
  // Fault: no store there, damaged, or of another version.
  static model::Result<std::unique_ptr<History>> open(const std::filesystem::path& directory);
  ~History();

  enum class What { readings, intervals, entries, rollups };

  // Of readings, the time they were taken; of all others, the time they begin.
  struct Range {
    std::optional<Instant> from;  // included
    std::optional<Instant> to;    // excluded
  };

  using Visit = std::function<bool(const model::StoredRow&)>;  // false: enough

  // Calls `visit` for every row there is now, in an order that depends on the content alone, not on how it was
  // committed: by time, then series (user, device, point, carrier), then period, then the order in which they arose.
  // Rollups include the periods that are still open, with sequence 0.
  //
  // Memory: the rows that begin at one instant. Readings are sorted in a temporary file (where: SQLITE_TMPDIR, else
  // /var/tmp) of about 40 bytes each.
  model::Result<void> each(What what, const Range& range, const Visit& visit);

 private:
  class Impl;
  explicit History(std::unique_ptr<Impl> impl);

  std::filesystem::path directory_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace carbongate::store

// The ledger as it lies in a store: chain, seals, and the journal's entries that they are about.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "gateway/ledger/row.h"
#include "gateway/model/errors.h"

namespace carbongate::store {

// A read-only connection, as History. One thread.
class LedgerReader {
 public:
  // Fault: no store there, damaged, or of another version.
  static model::Result<std::unique_ptr<LedgerReader>> open(const std::filesystem::path& directory);
  ~LedgerReader();

  // Entries that begin within. What is visited is one stretch of the chain: from the first of them to the last, with
  // what was booked between them, and on to the end of the seal that covers the last.
  struct Range {
    std::optional<Instant> from;  // included
    std::optional<Instant> to;    // excluded
    bool whole() const { return !from && !to; }
  };

  using Visit = std::function<bool(const ledger::Row&)>;  // false: enough

  // The ledger as it is now, in the order of ledger/row.h; of a whole one also entries of the journal that no link
  // leads to, each before the next entry behind it. Nothing is visited if there is no entry within.
  model::Result<void> each(const Range& range, const Visit& visit);

  // The seals with numbers below `before`, if given, the newest first, at most `limit`. One short transaction.
  model::Result<std::vector<ledger::SignedSeal>> seals(std::optional<std::uint64_t> before, std::size_t limit);

 private:
  class Impl;
  explicit LedgerReader(std::unique_ptr<Impl> impl);

  std::filesystem::path directory_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace carbongate::store

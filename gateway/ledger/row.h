// What a ledger is made of when it is read, in this order: where it begins, then entries by number, each seal after the
// entry it ends with.
#pragma once

#include <string>
#include <variant>

#include "gateway/ledger/chain.h"
#include "gateway/ledger/seal.h"

namespace carbongate::ledger {

// The entry before the first one: number 0 and genesis() for a whole ledger.
struct Anchor {
  Head head;
  friend bool operator==(const Anchor&, const Anchor&) = default;
};

struct EntryRow {
  std::uint64_t number = 0;
  std::string line;    // canonical
  Hash hash{};         // as recorded
  std::string damage;  // why there is no line: "its row in the journal is gone"; empty: there is one
  friend bool operator==(const EntryRow&, const EntryRow&) = default;
};

// An entry that stands in the books and has no link in the chain. It comes where the books have it.
struct StrayRow {
  std::string line;   // empty if it cannot be read
  std::string where;  // "journal row 17"
  friend bool operator==(const StrayRow&, const StrayRow&) = default;
};

// A seal that cannot be read, or any other row.
struct DamagedRow {
  std::string where;  // "line 17", "seal 3"
  std::string why;
  friend bool operator==(const DamagedRow&, const DamagedRow&) = default;
};

using Row = std::variant<Anchor, EntryRow, SignedSeal, StrayRow, DamagedRow>;

}  // namespace carbongate::ledger

// The ledger where it is written: hashes beside the journal's entries, and the seals over them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gateway/ledger/chain.h"
#include "gateway/ledger/key.h"
#include "gateway/ledger/seal.h"
#include "gateway/model/rows.h"
#include "gateway/store/database.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {

// One thread. Throws SqliteError and DamagedRecord.
class LedgerTable {
 public:
  LedgerTable(Database& database, const StoreConfig& config, std::string_view site);

  // Within the transaction that appends the entry to the journal, in the order of the journal.
  void append(std::int64_t sequence, const model::Series& series, const model::EmissionEntry& entry);
  void forget() { head_ = committed_; }  // before the first row of a transaction: one that failed may have left some
  void accept() { committed_ = head_; }  // it succeeded

  // In a transaction of its own. Nothing is done if nothing is new. Throws Refused without a key.
  void seal(Instant at);

  // Hands the ledger over: seals what is not sealed by the present key, with the announcement of `next`, and that by
  // `next`. Without a present key (`lost`) only the latter.
  void hand_over(Instant at, const ledger::SigningKey& next, bool lost);

  const ledger::Head& head() const { return committed_; }
  std::uint64_t sealed() const { return last_seal_ ? last_seal_->last : 0; }
  const std::string& trouble() const { return trouble_; }
  const std::optional<ledger::SigningKey>& key() const { return key_; }

 private:
  ledger::Seal next_seal(Instant at) const;
  void insert(const ledger::SignedSeal& seal);

  Database& database_;
  std::string site_;  // escaped
  Statement insert_hash_;
  Statement insert_seal_;
  ledger::Head committed_;
  ledger::Head head_;
  std::optional<ledger::Seal> last_seal_;
  std::optional<ledger::SigningKey> key_;
  std::string trouble_;
};

}  // namespace carbongate::store

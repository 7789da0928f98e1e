#include "gateway/store/ledger_table.h"

#include <algorithm>
#include <utility>

#include "gateway/ledger/canonical.h"
#include "gateway/store/key_file.h"

namespace carbongate::store {
namespace {

std::string_view bytes_of(const auto& array) {
  return {reinterpret_cast<const char*>(array.data()), array.size()};
}

}  // namespace

LedgerTable::LedgerTable(Database& database, const StoreConfig& config, std::string_view site)
    : database_(database),
      insert_hash_(database, "INSERT INTO ledger(number, seq, hash) VALUES(?1, ?2, ?3)"),
      insert_seal_(database, "INSERT INTO seal(number, line, signature) VALUES(?1, ?2, ?3)") {
  ledger::append_escaped(site_, site);
  Statement newest(database_, "SELECT number, hash FROM ledger ORDER BY number DESC LIMIT 1");
  if (Rows rows(newest); rows.next()) {
    const std::string_view hash = newest.blob(1);
    committed_.number = static_cast<std::uint64_t>(newest.integer(0));
    if (newest.integer(0) < 1 || hash.size() != committed_.hash.size()) {
      throw DamagedRecord("the last row of the ledger cannot be read");
    }
    std::ranges::copy(hash, committed_.hash.begin());
  }
  head_ = committed_;
  Statement last(database_, "SELECT line FROM seal ORDER BY number DESC LIMIT 1");
  if (Rows rows(last); rows.next()) {
    last_seal_ = ledger::parse_seal(last.text(0));
    if (!last_seal_) throw DamagedRecord("the last seal cannot be read");
  }
  std::optional<ledger::PublicKey> expected;
  if (last_seal_) expected = last_seal_->next_key ? last_seal_->next_key : last_seal_->key;
  auto [key, trouble, absent] = open_key(config, expected);
  key_ = std::move(key);
  trouble_ = std::move(trouble);
}

void LedgerTable::append(std::int64_t sequence, const model::Series& series, const model::EmissionEntry& entry) {
  const std::string line = ledger::canonical_line(series, entry);
  const ledger::Hash before = head_.number == 0 ? ledger::genesis(ledger::site_of(line)) : head_.hash;
  head_ = {head_.number + 1, ledger::next_hash(before, line)};
  insert_hash_.bind(1, static_cast<std::int64_t>(head_.number))
      .bind(2, sequence)
      .bind_blob(3, bytes_of(head_.hash))
      .run();
}

void LedgerTable::seal(Instant at) {
  if (committed_.number == sealed()) return;
  if (!key_) throw Refused(trouble_);
  const auto sealed = ledger::sign(next_seal(at), *key_);
  insert(sealed);
  last_seal_ = sealed.seal;
}

void LedgerTable::hand_over(Instant at, const ledger::SigningKey& next, bool lost) {
  if (committed_.number == 0) return;  // nothing was sealed, nor is there anything to seal
  if (!key_ && !lost) throw Refused(trouble_);
  Transaction transaction(database_);
  if (key_ && !lost) {
    ledger::Seal announcement = next_seal(at);
    announcement.next_key = next.public_key();
    const auto sealed = ledger::sign(std::move(announcement), *key_);
    insert(sealed);
    last_seal_ = sealed.seal;
  }
  const auto sealed = ledger::sign(next_seal(at), next);
  insert(sealed);
  transaction.commit();
  last_seal_ = sealed.seal;
  key_ = next;
  trouble_.clear();
}

ledger::Seal LedgerTable::next_seal(Instant at) const {
  ledger::Seal seal;
  seal.site = site_;
  seal.number = last_seal_ ? last_seal_->number + 1 : 1;
  seal.first = sealed() + 1;
  seal.last = committed_.number;
  seal.head = committed_.hash;
  seal.sealed_at = at;
  return seal;
}

void LedgerTable::insert(const ledger::SignedSeal& seal) {
  const std::string line = ledger::to_line(seal.seal);
  insert_seal_.bind(1, static_cast<std::int64_t>(seal.seal.number)).bind(2, std::string_view(line));
  insert_seal_.bind_blob(3, bytes_of(seal.signature)).run();
}

}  // namespace carbongate::store

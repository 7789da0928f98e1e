// An entry with something in every member, and whole ledgers of any length.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gateway/ledger/canonical.h"
#include "gateway/ledger/row.h"
#include "gateway/ledger/verify.h"

namespace carbongate::ledger_test {

using namespace std::chrono_literals;

inline const Instant kStart = Instant(std::chrono::seconds(1'767'225'600));  // 2026-01-01T00:00:00Z

inline model::Series press_shop() {
  return {.site = "edz-1",
          .device = "incomer",
          .point = "energy",
          .unit = "kWh",
          .user = "press-shop",
          .user_name = "冲压车间",
          .carrier = "electricity",
          .region = "CN-SC",
          .scope = model::Scope::energy,
          .flow = model::Flow::consumed};
}

inline model::Emitted emitted(std::int64_t mg) {
  model::Emitted emitted;
  emitted.co2e = model::Co2e::of(mg);
  emitted.gases[model::Gas::co2] = model::GasMass::of(mg - 1);
  emitted.gases[model::Gas::n2o] = model::GasMass::of(1);
  emitted.u95_activity = model::Co2e::of(7);
  emitted.u95_factor = model::Co2e::of(8);
  return emitted;
}

inline model::EmissionEntry entry_at(Instant begin, std::int64_t quanta) {
  model::EmissionEntry entry;
  entry.begin = begin;
  entry.end = begin + 15min;
  entry.amount = model::Activity::of(quanta);
  entry.primary = {emitted(quanta / 2), "cn-grid/CN-SC/average/2023", "2025-12-31"};
  entry.covered = 14min;
  return entry;
}

inline model::EmissionEntry full_entry() {
  model::EmissionEntry entry = entry_at(kStart, -12'500'000);
  entry.coal = model::StandardCoal::of(1'536'000);
  entry.coal_factor_id = "coal/electricity/calorific/2020";
  entry.market = model::Emission{emitted(9'000), "cn-grid/CN/residual/2023", "2025-12-31"};
  entry.quality = {model::Origin::substituted, model::Rule::gap};
  entry.revision = 2;
  entry.correction = model::Correction{model::Cause::factor, "2025 -> 2026", kStart + 1h};
  return entry;
}

// The same, whose gases were added up by named sets.
inline model::EmissionEntry entry_by_gwp() {
  model::EmissionEntry entry = full_entry();
  entry.primary.gwp_set = "AR5";
  entry.market->gwp_set = "AR6";
  return entry;
}

// A ledger as a store gives it: an anchor, entries of two users in turn, a seal after each `sealed_every` of them.
struct Book {
  std::vector<ledger::Row> rows;
  ledger::Head head;
  std::vector<ledger::Head> heads;  // heads[n]: of entry n
};

class Scribe {
 public:
  explicit Scribe(ledger::SigningKey key = ledger::SigningKey::generate()) : key_(std::move(key)) {
    book_.head.hash = ledger::genesis("edz-1");
    book_.rows.emplace_back(ledger::Anchor{book_.head});
    book_.heads.push_back(book_.head);
  }

  void write(const model::Series& series, const model::EmissionEntry& entry) {
    const std::string line = ledger::canonical_line(series, entry);
    book_.head = {book_.head.number + 1, ledger::next_hash(book_.head.hash, line)};
    book_.heads.push_back(book_.head);
    book_.rows.emplace_back(ledger::EntryRow{book_.head.number, line, book_.head.hash, {}});
  }
  void write_next() {
    model::Series series = press_shop();
    const auto n = static_cast<std::int64_t>(book_.head.number);
    if (n % 2 == 1) series.user = "paint-shop";
    write(series, entry_at(kStart + n / 2 * 15min, 1'000 * n + 17));
  }
  void seal(std::optional<ledger::SigningKey> next = {}) {
    ledger::Seal seal;
    seal.site = "edz-1";
    seal.number = ++seals_;
    seal.first = sealed_ + 1;
    seal.last = sealed_ = book_.head.number;
    seal.head = book_.head.hash;
    seal.sealed_at = kStart + static_cast<std::int64_t>(book_.head.number) * 15min;
    if (next) seal.next_key = next->public_key();
    book_.rows.emplace_back(ledger::sign(seal, key_));
    if (next) key_ = *next;
  }
  const ledger::SigningKey& key() const { return key_; }
  const Book& book() const { return book_; }
  std::uint64_t sealed() const { return sealed_; }

 private:
  ledger::SigningKey key_;
  Book book_;
  std::uint64_t seals_ = 0;
  std::uint64_t sealed_ = 0;
};

inline ledger::Summary verify(const std::vector<ledger::Row>& rows, ledger::Trust trust = {}) {
  ledger::Verifier verifier(std::move(trust));
  for (const ledger::Row& row : rows) verifier.take(row);
  return verifier.finish();
}

inline std::string text_of(const ledger::Summary& summary) {
  std::string text;
  for (const ledger::Finding& f : summary.findings) text += std::string(to_string(f.kind)) + ": " + f.text + "\n";
  return text;
}

}  // namespace carbongate::ledger_test

#include "gateway/store/rechain.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/ledger/canonical.h"
#include "gateway/ledger/chain.h"
#include "gateway/ledger/seal.h"
#include "gateway/store/record.h"
#include "gateway/store/series_table.h"

namespace carbongate::store {
namespace {

ledger::Hash hash_of(std::string_view bytes) {
  ledger::Hash hash{};
  std::ranges::copy(bytes, hash.begin());
  return hash;
}

std::string_view bytes_of(const ledger::Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

// What the chain came to at the end of each seal, by number of the entry.
std::map<std::int64_t, ledger::Hash> sealed_heads(Database& database) {
  std::map<std::int64_t, ledger::Hash> heads;
  Statement seals(database, "SELECT line FROM seal");
  for (Rows rows(seals); rows.next();) {
    if (const auto seal = ledger::parse_seal(seals.text(0))) heads[static_cast<std::int64_t>(seal->last)] = seal->head;
  }
  return heads;
}

}  // namespace

std::uint64_t rechain(Database& database, bool are_all_there) {
  struct Link {
    std::int64_t number = 0;
    std::int64_t sequence = 0;
    ledger::Hash hash{};
  };
  SeriesTable series(database);
  RecordCodec codec;
  Statement links(database, "SELECT number, seq, hash FROM ledger ORDER BY number");
  Statement entries(database, "SELECT seq, series, at, quality, body FROM journal WHERE kind = 3 ORDER BY seq");
  std::vector<Link> found;
  Link last;
  bool is_certain = true;  // no link is missing before
  const Rows links_reset(links);
  const auto next_link = [&]() -> std::optional<Link> {
    if (!links.step()) return std::nullopt;
    return Link{links.integer(0), links.integer(1), hash_of(links.blob(2))};
  };
  std::optional<Link> link = next_link();
  const std::map<std::int64_t, ledger::Hash> sealed = sealed_heads(database);
  std::size_t settled = 0;  // of `found`: confirmed by the link behind them, or by a seal
  const auto pass = [&] {
    if (link->number != last.number + 1) found.resize(settled);
    settled = found.size();
    last = *link;
    is_certain = true;
    link = next_link();
  };
  for (Rows rows(entries); rows.next();) {
    const std::int64_t sequence = entries.integer(0);
    while (link && link->sequence < sequence) pass();
    if (link && link->sequence == sequence) {
      pass();
      continue;
    }
    if (!is_certain || (link && link->number <= last.number + 1)) {
      is_certain = false;
      continue;
    }
    const model::RowBody body = codec.decode_row(
        {.kind = RowKind::entry, .at_ms = entries.integer(2), .quality = entries.integer(3), .body = entries.blob(4)});
    const std::string line =
        ledger::canonical_line(*series.series(entries.integer(1)), body.get<model::EmissionEntry>());
    const ledger::Hash before = last.number == 0 ? ledger::genesis(ledger::site_of(line)) : last.hash;
    last = {last.number + 1, sequence, ledger::next_hash(before, line)};
    found.push_back(last);
    const auto seal = sealed.find(last.number);
    if (seal != sealed.end() && seal->second == last.hash) settled = found.size();
  }
  while (link) pass();
  if (!are_all_there) found.resize(settled);
  Statement insert(database, "INSERT INTO ledger(number, seq, hash) VALUES(?1, ?2, ?3)");
  Transaction transaction(database);
  for (const Link& made : found) {
    insert.bind(1, made.number).bind(2, made.sequence).bind_blob(3, bytes_of(made.hash)).run();
  }
  transaction.commit();
  return found.size();
}

void go_on_from_the_seal(Database& database) {
  Statement newest(database, "SELECT line FROM seal ORDER BY number DESC LIMIT 1");
  std::optional<ledger::Seal> seal;
  if (Rows rows(newest); rows.next()) seal = ledger::parse_seal(newest.text(0));
  if (!seal || database.integer("SELECT max(number) FROM ledger") >= static_cast<std::int64_t>(seal->last)) return;
  Statement insert(database, "INSERT INTO ledger(number, seq, hash) VALUES(?1, 0, ?2)");
  insert.bind(1, static_cast<std::int64_t>(seal->last)).bind_blob(2, bytes_of(seal->head)).run();
}

}  // namespace carbongate::store

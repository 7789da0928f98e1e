#include "gateway/explain/ledger_place.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "gateway/ledger/canonical.h"
#include "gateway/ledger/row.h"
#include "gateway/store/ledger_reader.h"

namespace carbongate::explain {
namespace {

class Places {
 public:
  Places(const model::Series& series, std::vector<Revision>& revisions) {
    for (Revision& revision : revisions) {
      wanted_.emplace(model::to_string(model::name_of(series, revision.entry)), &revision);
    }
  }

  void take(const ledger::Row& row) {
    if (const auto* anchor = std::get_if<ledger::Anchor>(&row)) {
      before_ = anchor->head.hash;
    } else if (const auto* entry = std::get_if<ledger::EntryRow>(&row)) {
      take(*entry);
    } else if (const auto* seal = std::get_if<ledger::SignedSeal>(&row)) {
      take(*seal);
    }
  }

  void finish() {
    for (auto& [name, revision] : wanted_) {
      if (revision->ledger.number == 0 && revision->ledger.trouble.empty()) {
        revision->ledger.trouble = "it is no part of the chain: 'carbongate verify' says more";
      }
    }
  }

 private:
  void take(const ledger::EntryRow& entry) {
    const auto name = ledger::name_of(entry.line);
    const auto found = name ? wanted_.find(model::to_string(*name)) : wanted_.end();
    if (found != wanted_.end()) {
      LedgerPlace& place = found->second->ledger;
      place.number = entry.number;
      place.hash = entry.hash;
      place.before = before_;
      place.hash_fits = before_ && ledger::next_hash(*before_, entry.line) == entry.hash;
      if (!place.hash_fits) {
        place.trouble = before_ ? "the entry does not fit its hash: it was changed" : "the hash before it is gone";
      }
    }
    before_ = entry.hash;
  }

  void take(const ledger::SignedSeal& seal) {
    for (auto& [name, revision] : wanted_) {
      LedgerPlace& place = revision->ledger;
      if (place.number == 0 || place.seal || seal.seal.last < place.number) continue;
      place.seal = seal;
      place.seal_genuine = ledger::is_genuine(seal);
    }
  }

  std::map<std::string, Revision*> wanted_;
  std::optional<ledger::Hash> before_;
};

}  // namespace

model::Result<void> find_places(const std::filesystem::path& store, const model::Series& series,
                                std::vector<Revision>& revisions) {
  if (revisions.empty()) return {};
  auto reader = store::LedgerReader::open(store);
  if (reader.has_error()) return reader.error();
  const Instant begin = revisions.front().entry.begin;
  Places places(series, revisions);
  const auto read = (*reader)->each({begin, begin + Duration(1)}, [&](const ledger::Row& row) {
    places.take(row);
    return true;
  });
  if (read.has_error()) return read;
  places.finish();
  return {};
}

}  // namespace carbongate::explain

// Of class Verifier: entries of the books that no link leads to. Where links were lost, with damaged pages or by
// whoever deleted them, the chain itself tells: entries that lead from the link before the gap to the one behind it, or
// to what a seal says, are what they were.
#include <utility>

#include "gateway/ledger/verify.h"
#include "gateway/ledger/verify_words.h"

namespace carbongate::ledger {
namespace {

using Kind = Finding::Kind;

constexpr std::size_t kStraysHeld = 100'000;

}  // namespace

void Verifier::take_row(const StrayRow& stray) {
  Stray one{.name = stray.line.empty() ? "an entry that cannot be read" : "entry " + name_or_not(stray.line),
            .where = stray.where,
            .hash = {}};
  if (strays_.size() >= kStraysHeld) return tell_stray(Kind::entry_unlinked, one);
  std::optional<Hash> before = strays_.empty() ? std::optional(last_.hash) : strays_.back().hash;
  if (strays_.empty() && !begun_) before = genesis(site_of(stray.line));
  if (before && !stray.line.empty()) one.hash = next_hash(*before, stray.line);
  strays_.push_back(std::move(one));
}

// Before `entry` is looked at. True: it is a link whose entry is one of them, and all that is to be said of it is said.
bool Verifier::settle_strays(const EntryRow& entry) {
  if (strays_.empty()) return false;
  bool is_taken = false;
  if (entry.number > last_.number) {
    const std::uint64_t between = entry.number - last_.number - 1;
    const auto leads = [&](std::uint64_t count) { return count >= 1 && count <= strays_.size() && hash_of(count); };
    is_taken = !entry.damage.empty() && leads(between + 1) && hash_of(between + 1) == entry.hash;
    if (is_taken) {
      take_strays(between + 1, "the hash that the ledger has for entry " + std::to_string(entry.number));
    } else if (entry.damage.empty() && leads(between) && next_hash(*hash_of(between), entry.line) == entry.hash) {
      take_strays(between, called(entry));
    }
  }
  const bool is_gapless = is_taken || entry.number == last_.number + 1;
  tell_strays(is_gapless ? Kind::entry_inserted : Kind::entry_unlinked);
  return is_taken;
}

void Verifier::settle_strays(const Seal& seal) {
  if (seal.last <= last_.number) return;
  const std::uint64_t count = seal.last - last_.number;
  if (count <= strays_.size() && hash_of(count) == seal.head) take_strays(count, seal_text(seal));
}

const std::optional<Hash>& Verifier::hash_of(std::uint64_t count) const {
  return strays_[static_cast<std::size_t>(count) - 1].hash;
}

// The first of them are the next entries.
void Verifier::take_strays(std::uint64_t count, const std::string& leads_to) {
  const std::uint64_t first = last_.number + 1;
  const std::uint64_t last = last_.number + count;
  const bool is_one = count == 1;
  find(Kind::link_missing, first, last,
       std::string(is_one ? "the link to " : "the links to ") + range_text(first, last) + " in the ledger" +
           (is_one ? " is" : " are") + " gone; " + (is_one ? "the entry is" : "the entries are") + " in the books as " +
           (is_one ? "it was: it leads to " : "they were: they lead to ") + leads_to);
  if (!begun_) {
    begun_ = true;
    next_seal_ = 1;
  }
  if (summary_.first == 0) summary_.first = first;
  summary_.entries += count;
  const auto end = strays_.begin() + static_cast<std::ptrdiff_t>(count);
  for (auto stray = strays_.begin(); stray != end; ++stray) {
    before_last_ = last_.hash;
    last_ = {last_.number + 1, *stray->hash};
    see(last_);
  }
  run_ = last_.hash;
  last_entry_ = {};
  strays_.erase(strays_.begin(), end);
}

void Verifier::tell_stray(Finding::Kind kind, const Stray& stray) {
  find(kind, 0, 0,
       stray.name + " (" + stray.where + ") is in the books but not in the ledger: " +
           (kind == Kind::entry_inserted ? "inserted" : "it was put in, or its link was lost with damaged pages"));
}

void Verifier::tell_strays(Finding::Kind kind) {
  for (const Stray& stray : strays_) tell_stray(kind, stray);
  strays_.clear();
}

}  // namespace carbongate::ledger

// Of class Verifier: what seals say of the entries.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "gateway/ledger/verify.h"
#include "gateway/ledger/verify_words.h"

namespace carbongate::ledger {

using Kind = Finding::Kind;

void Verifier::take_row(const SignedSeal& seal) {
  ++summary_.seals;
  if (!is_genuine(seal)) {
    find(Kind::seal_changed, seal.seal.number, seal.seal.number,
         seal_text(seal.seal) + " was changed: its signature does not fit it");
    if (seal.seal.number == next_seal_) ++next_seal_;
    last_seal_.reset();
    return;
  }
  settle_strays(seal.seal);
  if (!follows(seal)) return;
  if (!is_by_right_key(seal)) return;
  if (seal.seal.last != last_.number && explain_by_shift(seal.seal)) {
    if (seal.seal.head == last_.hash) run_ = seal.seal.head;
    return prove(seal.seal);
  }
  if (seal.seal.last > last_.number) {
    waiting_.push_back(seal);
  } else if (seal.seal.last == last_.number) {
    compare(seal.seal, last_.hash);
  } else {
    compare_elsewhere(seal.seal);
  }
}

// Whether it is the next one, by number and by the entries it covers.
bool Verifier::follows(const SignedSeal& signed_seal) {
  const Seal& seal = signed_seal.seal;
  if (next_seal_ != 0 && seal.number < next_seal_) {
    find(Kind::seal_moved, seal.number, seal.number, seal_text(seal) + " is there twice, or out of order");
    return false;
  }
  if (next_seal_ != 0 && seal.number > next_seal_) {
    const std::uint64_t first = next_seal_;
    find(Kind::seal_missing, first, seal.number - 1,
         (first == seal.number - 1
              ? "seal " + std::to_string(first) + " is"
              : "seals " + std::to_string(first) + ".." + std::to_string(seal.number - 1) + " are") +
             " missing");
    last_seal_.reset();
  }
  next_seal_ = seal.number + 1;
  const bool fits = seal.last + 1 >= seal.first && (!last_seal_ || seal.first == last_seal_->last + 1) &&
                    (seal.number != 1 || seal.first == 1);
  if (!fits) {
    find(Kind::seal_changed, seal.number, seal.number,
         seal_text(seal) + " covers " + range_text(seal.first, seal.last) +
             ", which do not follow those of the seal before");
  }
  last_seal_ = seal;
  return true;
}

bool Verifier::is_by_right_key(const SignedSeal& signed_seal) {
  const Seal& seal = signed_seal.seal;
  if (!trust_.key) trust_.key = seal.key;
  if (!key_) key_ = seal.key;  // the first: what it is worth is seen when trust_.key is reached
  if (seal.key != *key_) {
    find(Kind::seal_foreign, seal.number, seal.number,
         seal_text(seal) + " is signed by another key (" + fingerprint(seal.key) + "), which no seal before announced");
    if (reached_ || seal.key != *trust_.key) return false;
  }
  key_ = seal.next_key ? *seal.next_key : seal.key;
  reached_ = reached_ || seal.key == *trust_.key;
  summary_.key = seal.key;
  return true;
}

void Verifier::compare(const Seal& seal, const Hash& recorded) {
  const bool newest = seal.last == last_.number;
  if (recorded == seal.head) {
    if (newest) run_ = seal.head;
    return prove(seal);
  }
  if (!suspects_.empty() && suspects_.back().number == seal.last && suspects_.back().computed == seal.head) {
    suspects_.back().verdict = Kind::hash_changed;
    if (newest) run_ = seal.head;
    return prove(seal);
  }
  if (!explain_by_shift(seal)) explain_mismatch(seal, newest);
  if (newest) run_ = seal.head;
}

// It should have stood directly behind the entry it ends with.
void Verifier::compare_elsewhere(const Seal& seal) {
  if (seal.last >= seal.first) {
    find(Kind::seal_moved, seal.number, seal.number,
         seal_text(seal) + " stands behind entry " + std::to_string(last_.number) + ", not behind entry " +
             std::to_string(seal.last));
  }
  const auto found = std::ranges::find(window_, seal.last, &Head::number);
  if (found != window_.end()) compare(seal, found->hash);
}

// The head is there, under another number: entries were taken out or put in, and the numbers mended.
bool Verifier::explain_by_shift(const Seal& seal) {
  const auto found = std::ranges::find(window_, seal.head, &Head::hash);
  if (found == window_.end() || found->number == seal.last) return false;
  const std::int64_t shift = static_cast<std::int64_t>(found->number - seal.last);
  const std::int64_t more = shift - std::exchange(shift_, shift);
  if (more == 0) return true;  // as told at a seal before
  const bool missing = more < 0;
  const std::int64_t count = std::abs(more);
  std::string where = " among " + range_text(seal.first, seal.last);
  std::uint64_t first = seal.first;
  std::uint64_t last = seal.last;
  const auto in_range = [&](const Suspect& s) { return seal.first <= s.number && s.number <= last_.number; };
  if (missing && std::ranges::count_if(suspects_, in_range) == 1) {
    const auto suspect = std::ranges::find_if(suspects_, in_range);
    where = " before " + suspect->name;
    first = last = suspect->number;
    suspects_.erase(suspect);
  }
  find(missing ? Kind::entry_missing : Kind::entry_inserted, first, last,
       std::to_string(count) + (count == 1 ? " entry was " : " entries were ") + (missing ? "taken out" : "inserted") +
           where + ", and the numbers after that mended: " + seal_text(seal) + " knows it");
  return true;
}

void Verifier::explain_mismatch(const Seal& seal, bool newest) {
  if (newest && run_ == seal.head) {
    if (!rewritten_) rewritten_ = Finding{Kind::hash_changed, seal.first, seal.last, {}};
    rewritten_->last = std::max(rewritten_->last, seal.last);
    return prove(seal);
  }
  unmatched_.emplace(seal.head, seal);  // perhaps its head is still to come
}

void Verifier::prove(const Seal& seal) {
  if (!reached_) return;
  const std::int64_t number =
      std::max<std::int64_t>(static_cast<std::int64_t>(seal.last) + shift_, 0);  // as it is here
  summary_.proven = std::max(summary_.proven, std::min(static_cast<std::uint64_t>(number), last_.number));
  summary_.proven_at = seal.sealed_at;
}

// Seals that came before the entry they end with. Entry `next` is the next one to be taken. Returns the hash before it,
// if one of them tells it and no entry does.
std::optional<Hash> Verifier::settle_waiting_seals(std::uint64_t next) {
  std::optional<Hash> sealed_before;
  while (!waiting_.empty() && waiting_.front().seal.last <= next) {
    const Seal seal = waiting_.front().seal;
    waiting_.pop_front();
    if (seal.last == next) {
      find(Kind::seal_moved, seal.number, seal.number,
           seal_text(seal) + " stands before entry " + std::to_string(seal.last) + ", which it covers");
    } else if (seal.last == next - 1) {
      sealed_before = seal.head;
    }
  }
  return sealed_before;
}

void Verifier::finish_seals() {
  std::uint64_t known = last_.number;
  for (const SignedSeal& signed_seal : waiting_) {
    const Seal& seal = signed_seal.seal;
    if (seal.last <= known || explain_by_shift(seal)) continue;
    find(Kind::entry_missing, known + 1, seal.last,
         range_text(known + 1, seal.last) + is_or_are(known + 1, seal.last) + " missing: the ledger ends" + end_text() +
             ", but " + seal_text(seal) + " covers up to " + std::to_string(seal.last));
    known = seal.last;
  }
  for (const auto& [head, seal] : unmatched_) {
    find(Kind::seal_mismatch, seal.first, seal.last,
         seal_text(seal) + " was made over other content than " + range_text(seal.first, seal.last) +
             " have now: among them an entry was changed, taken out or put in, and the hashes after it computed anew");
  }
  if (summary_.entries != 0 && summary_.seals == 0) {
    find(Kind::seal_missing, 0, 0, "there is no seal: whoever can write this could have written all of it");
  }
  if (summary_.entries == 0 && summary_.seals == 0 && trust_.all_sealed) {
    find(Kind::seal_missing, 0, 0, "there is no seal, and no entry: nothing is sealed");
  }
  if (trust_.all_sealed && summary_.seals != 0 && summary_.proven < last_.number) {
    const std::uint64_t first = std::max(summary_.proven, anchor_) + 1;
    find(Kind::seal_missing, first, last_.number,
         "no seal stands for " + range_text(first, last_.number) + ", up to the end");
  }
  if (trust_.key && !reached_ && summary_.seals != 0) {
    find(Kind::seal_foreign, 0, 0,
         "no seal is signed by the given key (" + fingerprint(*trust_.key) + ")" +
             (summary_.key ? "; the last one is by " + fingerprint(*summary_.key) : ""));
  }
}

}  // namespace carbongate::ledger

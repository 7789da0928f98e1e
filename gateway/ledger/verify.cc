#include "gateway/ledger/verify.h"

#include <algorithm>
#include <cstdlib>
#include <tuple>
#include <utility>

#include "gateway/ledger/canonical.h"

namespace carbongate::ledger {
namespace {

using Kind = Finding::Kind;

constexpr std::size_t kWindow = 4'096;
constexpr std::size_t kSuspectsCompared = 300;  // each with each

std::string name_or_not(std::string_view line) {
  const auto name = name_of(line);
  return name ? model::to_string(*name) : "an entry whose name cannot be read";
}

std::string called(const EntryRow& entry) {
  return "entry " + std::to_string(entry.number) + (entry.line.empty() ? "" : " (" + name_or_not(entry.line) + ")");
}

std::string range_text(std::uint64_t first, std::uint64_t last) {
  if (first == last) return "entry " + std::to_string(first);
  return "entries " + std::to_string(first) + ".." + std::to_string(last);
}

std::string is_or_are(std::uint64_t first, std::uint64_t last) {
  return first == last ? " is" : " are";
}

std::string seal_text(const Seal& seal) {
  return "seal " + std::to_string(seal.number) + " (of " + model::format_utc(seal.sealed_at) + ")";
}

}  // namespace

std::string_view to_string(Finding::Kind kind) {
  switch (kind) {
    case Kind::entry_changed: return "changed";
    case Kind::entry_missing: return "missing";
    case Kind::entry_moved: return "moved";
    case Kind::entry_inserted: return "inserted";
    case Kind::hash_changed: return "hash";
    case Kind::seal_changed:
    case Kind::seal_missing:
    case Kind::seal_moved:
    case Kind::seal_foreign:
    case Kind::seal_mismatch: return "seal";
    case Kind::beginning: return "beginning";
    case Kind::head: return "head";
    case Kind::unreadable: return "unreadable";
  }
  return "";
}

Verifier::Verifier(Trust trust) : trust_(std::move(trust)) {}

void Verifier::take(const Row& row) {
  std::visit([this](const auto& r) { take_row(r); }, row);
}

void Verifier::find(Kind kind, std::uint64_t number, std::uint64_t last, std::string text) {
  ++summary_.findings_total;
  if (summary_.findings.size() < kFindingsMax) summary_.findings.push_back({kind, number, last, std::move(text)});
}

void Verifier::take_row(const Anchor& anchor) {
  if (begun_) {
    find(Kind::beginning, anchor.head.number, anchor.head.number,
         "a second beginning stands in the middle of the ledger");
    return;
  }
  begun_ = true;
  anchor_ = anchor.head.number;
  last_ = anchor.head;
  run_ = anchor.head.hash;
  window_.push_back(anchor.head);
  next_seal_ = anchor_ == 0 ? 1 : 0;
  check_expected(anchor.head);
}

void Verifier::take_row(const StrayRow& stray) {
  const std::string name = stray.line.empty() ? "an entry that cannot be read" : "entry " + name_or_not(stray.line);
  find(Kind::entry_inserted, 0, 0, name + " (" + stray.where + ") is in the books but not in the ledger: inserted");
}

void Verifier::take_row(const DamagedRow& damaged) {
  find(Kind::unreadable, 0, 0, damaged.where + ": " + damaged.why);
}

// ---- entries

void Verifier::take_row(const EntryRow& entry) {
  ++summary_.entries;
  if (!begun_) {
    begun_ = true;
    anchor_ = entry.number == 0 ? 0 : entry.number - 1;
    last_.number = anchor_;
    next_seal_ = anchor_ == 0 ? 1 : 0;
    find(Kind::beginning, entry.number, entry.number, "the row that says where the ledger begins is missing");
    if (anchor_ == 0) {
      last_.hash = genesis(site_of(entry.line));
      run_ = last_.hash;
    } else {
      summary_.first = entry.number;
      last_ = {entry.number, entry.hash};
      return remember(entry);  // nothing to check it against
    }
  }
  if (entry.number != last_.number + 1 && entry.damage.empty() && next_hash(last_.hash, entry.line) == entry.hash) {
    EntryRow renumbered = entry;
    renumbered.number = last_.number + 1;
    find(Kind::entry_changed, renumbered.number, renumbered.number,
         called(renumbered) + " was changed: it says that it is number " + std::to_string(entry.number));
    if (summary_.first == 0) summary_.first = renumbered.number;
    settle_waiting_seals(renumbered.number);
    return take_next(renumbered, {});
  }
  if (summary_.first == 0) summary_.first = entry.number;
  if (entry.number <= last_.number) return take_late(entry);
  const auto sealed_before = settle_waiting_seals(entry.number);
  take_next(entry, sealed_before);
}

// `sealed_before`: the hash before it, if the entry before is missing but its seal is there.
void Verifier::take_next(const EntryRow& entry, const std::optional<Hash>& sealed_before) {
  if (entry.number > last_.number + 1) {
    gaps_[last_.number + 1] = {.last = entry.number - 1, .after = after(), .before = last_.hash, .follower = entry};
    run_ = sealed_before;
    before_last_.reset();
    if (sealed_before && entry.damage.empty()) check_link(*sealed_before, entry);
    last_ = {entry.number, entry.hash};
    return remember(entry);
  }
  if (!entry.damage.empty()) {
    find(Kind::entry_missing, entry.number, entry.number, called(entry) + ": " + entry.damage + after());
    run_.reset();
  } else if (entry.number == 1) {
    take_first(entry);
  } else {
    check_link(last_.hash, entry);
  }
  before_last_ = last_.hash;
  last_ = {entry.number, entry.hash};
  remember(entry);
}

// The one place where the hash before is not recorded anywhere but follows from the entry itself.
void Verifier::take_first(const EntryRow& entry) {
  const Hash beginning = genesis(site_of(entry.line));
  if (last_.hash != beginning && next_hash(beginning, entry.line) == entry.hash) {
    find(Kind::beginning, 0, 0, "the hash that the ledger begins with was changed");
    last_.hash = beginning;
    run_ = beginning;
  }
  check_link(last_.hash, entry);
}

void Verifier::check_link(const Hash& before, const EntryRow& entry) {
  const Hash computed = next_hash(before, entry.line);
  if (run_) run_ = *run_ == before ? computed : next_hash(*run_, entry.line);
  if (computed == entry.hash) return;

  Suspect* previous = !suspects_.empty() && suspects_.back().number == entry.number - 1 ? &suspects_.back() : nullptr;
  if (previous && next_hash(previous->computed, entry.line) == entry.hash) {
    previous->verdict = Kind::hash_changed;
    return;
  }
  if (before_last_ && next_hash(*before_last_, entry.line) == entry.hash) {  // as if the one before were not there
    const std::string name = previous ? previous->name : "entry " + std::to_string(entry.number - 1);
    if (previous) suspects_.pop_back();
    run_ = entry.hash;
    ++shift_;
    find(Kind::entry_inserted, entry.number - 1, entry.number - 1,
         name + " was inserted before " + called(entry) + ", and the numbers moved down");
    return;
  }
  suspect(before, computed, entry);
}

void Verifier::suspect(const Hash& before, const Hash& computed, const EntryRow& entry) {
  if (suspects_.size() >= kFindingsMax) {
    find(Kind::entry_changed, entry.number, entry.number, called(entry) + " was changed");
    return;
  }
  suspects_.push_back({.number = entry.number,
                       .before = before,
                       .recorded = entry.hash,
                       .computed = computed,
                       .line = entry.line,
                       .name = called(entry)});
}

// An entry whose number is behind the newest: one that was missing so far, or one too many.
void Verifier::take_late(const EntryRow& entry) {
  auto found = gaps_.upper_bound(entry.number);
  if (found != gaps_.begin()) --found;
  if (gaps_.empty() || found == gaps_.end() || entry.number < found->first || entry.number > found->second.last) {
    const bool before = entry.number <= anchor_;
    find(Kind::entry_inserted, entry.number, entry.number,
         called(entry) + (before ? " stands before the beginning of the ledger" : " is there a second time: inserted"));
    return;
  }
  find(Kind::entry_moved, entry.number, entry.number,
       called(entry) + " stands after entry " + std::to_string(last_.number) + ": out of order");
  const std::uint64_t first = found->first;
  Gap gap = std::move(found->second);
  gaps_.erase(found);
  if (entry.number > first) {
    gaps_[first] = {.last = entry.number - 1, .after = gap.after, .before = gap.before, .follower = entry};
  } else if (gap.before && entry.damage.empty() && next_hash(*gap.before, entry.line) != entry.hash) {
    suspect(*gap.before, next_hash(*gap.before, entry.line), entry);
  }
  if (entry.number < gap.last) {
    gaps_[entry.number + 1] = {.last = gap.last,
                               .after = ", after " + called(entry),
                               .before = entry.hash,
                               .follower = std::move(gap.follower)};
  } else if (gap.follower.damage.empty() && next_hash(entry.hash, gap.follower.line) != gap.follower.hash) {
    suspect(entry.hash, next_hash(entry.hash, gap.follower.line), gap.follower);
  }
  if (trust_.expected_head && trust_.expected_head->number == entry.number) check_expected({entry.number, entry.hash});
}

// Where the last entry is that could be read, for findings about one that cannot.
std::string Verifier::after() const {
  return last_entry_.line.empty() ? std::string() : ", after " + called(last_entry_);
}

void Verifier::remember(const EntryRow& entry) {
  if (entry.damage.empty()) last_entry_ = entry;
  if (const auto found = unmatched_.find(entry.hash); found != unmatched_.end()) {
    const Seal seal = std::move(found->second);
    unmatched_.erase(found);
    run_ = entry.hash;
    window_.push_back({entry.number, entry.hash});
    explain_by_shift(seal);
    window_.pop_back();
  }
  window_.push_back({entry.number, entry.hash});
  if (window_.size() > kWindow) window_.pop_front();
  check_expected({entry.number, entry.hash});
}

// ---- seals

void Verifier::take_row(const SignedSeal& seal) {
  ++summary_.seals;
  if (!is_genuine(seal)) {
    find(Kind::seal_changed, seal.seal.number, seal.seal.number,
         seal_text(seal.seal) + " was changed: its signature does not fit it");
    if (seal.seal.number == next_seal_) ++next_seal_;
    last_seal_.reset();
    return;
  }
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

// ---- the end

void Verifier::check_expected(const Head& head) {
  if (!trust_.expected_head || trust_.expected_head->number != head.number) return;
  expected_seen_ = true;
  if (trust_.expected_head->hash == head.hash) return;
  find(Kind::head, head.number, head.number,
       "entry " + std::to_string(head.number) +
           " has not the hash that was noted earlier: it, or one before it, was changed");
}

std::string Verifier::end_text() const {
  if (last_entry_.number == last_.number && !last_entry_.line.empty()) return " with " + called(last_entry_);
  return " with entry " + std::to_string(last_.number);
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

void Verifier::finish_expected() {
  if (!trust_.expected_head || expected_seen_) return;
  const std::uint64_t number = trust_.expected_head->number;
  if (number > last_.number) {
    find(Kind::entry_missing, last_.number + 1, number,
         range_text(last_.number + 1, number) + is_or_are(last_.number + 1, number) + " missing: the ledger ends" +
             end_text() + ", but " + std::to_string(number) + " was noted earlier");
  } else if (number < anchor_) {
    find(Kind::head, number, number,
         "entry " + std::to_string(number) +
             ", whose hash was noted earlier, is not part of this: it begins after entry " + std::to_string(anchor_));
  }
}

void Verifier::judge_suspects() {
  // Whether what stands in one place belongs in another.
  std::map<std::uint64_t, const Suspect*> belongs;  // by place: what belongs there
  if (suspects_.size() <= kSuspectsCompared) {
    for (const Suspect& place : suspects_) {
      for (const Suspect& other : suspects_) {
        if (&place != &other && next_hash(place.before, other.line) == place.recorded) belongs[place.number] = &other;
      }
    }
  }
  for (const Suspect& suspect : suspects_) {
    if (const auto found = belongs.find(suspect.number); found != belongs.end()) {
      find(Kind::entry_moved, suspect.number, suspect.number,
           "entry " + std::to_string(suspect.number) + " is not in its place: it stands as " + found->second->name);
    } else if (suspect.verdict == Kind::hash_changed) {
      find(Kind::hash_changed, suspect.number, suspect.number,
           "the recorded hash of " + suspect.name + " was changed; its content is as it was");
    } else {
      find(Kind::entry_changed, suspect.number, suspect.number, suspect.name + " was changed");
    }
  }
}

Summary Verifier::finish() {
  finish_seals();
  finish_expected();
  judge_suspects();
  for (const auto& [first, gap] : gaps_) {
    find(Kind::entry_missing, first, gap.last,
         range_text(first, gap.last) + is_or_are(first, gap.last) + " missing" + gap.after + ", before " +
             called(gap.follower));
  }
  if (rewritten_) {
    find(Kind::hash_changed, rewritten_->number, rewritten_->last,
         "the recorded hashes of " + range_text(rewritten_->number, rewritten_->last) +
             " were computed anew; their content is what was sealed");
  }
  summary_.head = last_;
  std::ranges::sort(summary_.findings, {}, [](const Finding& f) { return std::tie(f.number, f.last, f.text); });
  return std::move(summary_);
}

}  // namespace carbongate::ledger

#include "gateway/ledger/verify.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "gateway/ledger/verify_words.h"

namespace carbongate::ledger {
namespace {

using Kind = Finding::Kind;

constexpr std::size_t kWindow = 4'096;
constexpr std::size_t kSuspectsCompared = 300;  // each with each

}  // namespace

std::string_view to_string(Finding::Kind kind) {
  switch (kind) {
    case Kind::entry_changed: return "changed";
    case Kind::entry_missing: return "missing";
    case Kind::entry_moved: return "moved";
    case Kind::entry_inserted: return "inserted";
    case Kind::entry_unlinked: return "unlinked";
    case Kind::link_missing: return "link";
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

void Verifier::take_row(const DamagedRow& damaged) {
  find(Kind::unreadable, 0, 0, damaged.where + ": " + damaged.why);
}

// ---- entries

void Verifier::take_row(const EntryRow& entry) {
  if (settle_strays(entry)) return;
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
  see({entry.number, entry.hash});
}

void Verifier::see(const Head& head) {
  window_.push_back(head);
  if (window_.size() > kWindow) window_.pop_front();
  check_expected(head);
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
  tell_strays(Kind::entry_unlinked);
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

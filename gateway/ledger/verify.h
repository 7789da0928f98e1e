// Holds a ledger against itself and against a public key, and says what is wrong with it. Pure: rows in, findings out.
//
// What is proven when there are no findings: every entry up to Summary::proven is as it was when it was sealed, in this
// order, and none is left out, unless the key was stolen or SHA-256 is broken. Entries after that are chained only:
// whoever can write the store could have written them anew. That the end of a ledger was cut off together with its
// seals cannot be seen in what is left: for that one needs a head noted earlier (Trust::expected_head).
//
// Whoever changes an entry and computes all later hashes anew is found by the next seal, which names the entries since
// the seal before: which one of them it was cannot be known.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gateway/ledger/row.h"

namespace carbongate::ledger {

struct Trust {
  std::optional<PublicKey> key;       // nullopt: that of the first seal, which proves that the ledger fits itself
  std::optional<Head> expected_head;  // noted earlier
  bool all_sealed = false;            // entries that no seal stands for are a finding
};

struct Finding {
  enum class Kind {
    entry_changed,
    entry_missing,
    entry_moved,
    entry_inserted,
    entry_unlinked,  // in the books, with no link in the ledger: put in, or its link was lost
    link_missing,    // of an entry that is in the books as it was
    hash_changed,    // of an entry whose content is as it was
    seal_changed,    // or its signature
    seal_missing,
    seal_moved,
    seal_foreign,   // by a key that is not the right one
    seal_mismatch,  // made over other entries than those that are there
    beginning,      // where the ledger begins is not right
    head,           // not as noted earlier
    unreadable,
  };
  Kind kind{};
  std::uint64_t number = 0;  // of the entry, or of the first of several; of a seal for seal_changed ... seal_foreign
  std::uint64_t last = 0;    // `number`, or the last of several
  std::string text;          // for people, with the entry's name in the books: model/entry_name.h
};
std::string_view to_string(Finding::Kind kind);

struct Summary {
  std::uint64_t first = 0;  // entry; 0: there is none
  std::uint64_t entries = 0;
  std::uint64_t seals = 0;
  std::uint64_t proven = 0;       // up to this entry a seal by the right key stands for them; 0: there is none
  Instant proven_at{};            // when that was sealed
  Head head;                      // of the last entry, as recorded: worth noting
  std::optional<PublicKey> key;   // by which the last seal is signed
  std::vector<Finding> findings;  // by number; at most kFindingsMax
  std::uint64_t findings_total = 0;
};
inline constexpr std::size_t kFindingsMax = 10'000;

// Memory: what is wrong, a window of the last few thousand hashes, and entries in a row that have no link, up to
// 100,000.
class Verifier {
 public:
  explicit Verifier(Trust trust);

  void take(const Row& row);
  // Strays stand where the journal has them: before the next entry behind them, and before the seals between the two.
  Summary finish();  // once, after the last row

 private:
  struct Suspect {  // an entry that does not lead from the hash before it to its own
    std::uint64_t number = 0;
    Hash before{};
    Hash recorded{};
    Hash computed{};
    std::string line;
    std::string name;
    Finding::Kind verdict = Finding::Kind::entry_changed;
  };
  struct Stray {  // an entry of the books without a link
    std::string name;
    std::string where;
    std::optional<Hash> hash;  // of the chain over it and those before it, from last_ on; nullopt: it cannot be read
  };
  struct Gap {
    std::uint64_t last = 0;
    std::string after;           // which entry it comes after, for people
    std::optional<Hash> before;  // of the entry before the gap
    EntryRow follower;           // behind the gap; not checked yet
  };

  void take_row(const Anchor& anchor);
  void take_row(const EntryRow& entry);
  void take_row(const SignedSeal& seal);
  void take_row(const StrayRow& stray);
  void take_row(const DamagedRow& damaged);

  void take_next(const EntryRow& entry, const std::optional<Hash>& sealed_before);
  void take_first(const EntryRow& entry);
  void take_late(const EntryRow& entry);
  void check_link(const Hash& before, const EntryRow& entry);
  void suspect(const Hash& before, const Hash& computed, const EntryRow& entry);
  void see(const Head& head);
  std::string after() const;
  std::string end_text() const;
  void remember(const EntryRow& entry);
  std::optional<Hash> settle_waiting_seals(std::uint64_t next);

  bool settle_strays(const EntryRow& entry);
  void settle_strays(const Seal& seal);
  void take_strays(std::uint64_t count, const std::string& leads_to);
  const std::optional<Hash>& hash_of(std::uint64_t count) const;
  void tell_stray(Finding::Kind kind, const Stray& stray);
  void tell_strays(Finding::Kind kind);

  bool follows(const SignedSeal& seal);
  bool is_by_right_key(const SignedSeal& seal);
  void compare(const Seal& seal, const Hash& recorded);
  void compare_elsewhere(const Seal& seal);
  bool explain_by_shift(const Seal& seal);
  void explain_mismatch(const Seal& seal, bool newest);
  void prove(const Seal& seal);

  void check_expected(const Head& head);
  void finish_seals();
  void finish_expected();
  void judge_suspects();
  void find(Finding::Kind kind, std::uint64_t number, std::uint64_t last, std::string text);

  Trust trust_;
  Summary summary_;
  bool begun_ = false;
  std::uint64_t anchor_ = 0;
  Head last_;                // the newest number, with its recorded hash
  std::optional<Hash> run_;  // hashed from the last certain place on, whatever is recorded; nullopt: not possible
  std::optional<Hash> before_last_;
  EntryRow last_entry_;                // the newest that could be read
  std::map<std::uint64_t, Gap> gaps_;  // by first number
  std::vector<Suspect> suspects_;
  std::vector<Stray> strays_;  // behind last_
  std::deque<Head> window_;    // the last recorded hashes

  std::deque<SignedSeal> waiting_;    // for the entry they end with
  std::map<Hash, Seal> unmatched_;    // by head: not the recorded hash of the entry they end with
  std::int64_t shift_ = 0;            // numbers of entries, less what the seals say they are
  std::optional<Seal> last_seal_;     // genuine
  std::uint64_t next_seal_ = 0;       // number; 0: any
  std::optional<PublicKey> key_;      // that must have signed the next seal
  bool reached_ = false;              // a seal by trust_.key was there
  std::optional<Finding> rewritten_;  // entries whose hashes were computed anew: one finding for all of them
  bool expected_seen_ = false;
};

}  // namespace carbongate::ledger

// How far each sink is in the journal, and what became of the rows on the way there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "gateway/ports/store.h"
#include "gateway/store/database.h"
#include "gateway/store/reading_walk.h"

namespace carbongate::store {

// Rows of the journal from `after` on, that one not included, up to `upto`.
struct Gap {
  std::int64_t after = 0;
  std::int64_t upto = 0;
};

// A sink holds retention back from the first time it asks after the store was opened. Throws SqliteError. One thread.
class CursorTable {
 public:
  CursorTable(Database& database, BlockTable& blocks);

  struct Cursor {
    std::int64_t begun = 0;  // before the first row that was ever meant for it
    std::int64_t settled = 0;
    std::uint64_t accepted = 0;  // of the rows from `begun` to `settled`, at once or offered again
    std::uint64_t skipped = 0;
    std::uint64_t refused = 0;   // and not accepted later
    std::uint64_t missed = 0;    // dropped by retention before it had them, also of those behind `settled`
    std::uint64_t lost = 0;      // with damaged pages
    std::uint64_t rejected = 0;  // as in ports::StoreStatus::Cursor
    std::uint64_t dropped = 0;
    struct Stretch {
      std::int64_t begun = 0;
      std::int64_t settled = 0;
      friend bool operator==(const Stretch&, const Stretch&) = default;
    };
    std::vector<Stretch> ahead = {};  // as in ports::StoreStatus::Cursor

    // Whether the backlog is done up to a stretch that is settled ahead: `settled` then passes through that one, for
    // what must be sent once more, and nothing on the way is counted again.
    bool is_within_ahead() const { return !ahead.empty() && settled >= ahead.front().begun; }
    void join();                       // with the stretches that are passed
    std::vector<Gap> waiting() const;  // what is not settled; the last one has no end
    std::int64_t settled_numbers() const;
    friend bool operator==(const Cursor&, const Cursor&) = default;
  };

  void load(std::int64_t last_sequence);

  // Its sink has asked. One that was never seen begins at the oldest row kept.
  Cursor& of(const std::string& sink, std::int64_t last_sequence);

  // What waits for each sink, active or not, in an order that stays until the next sink is new.
  std::vector<std::vector<Gap>> waiting() const;
  std::vector<Gap> waiting_for_any() const;  // active one: ascending, without contact
  std::int64_t settled_by_all() const;       // by the active ones; INT64_MAX: there is none

  // Rows dropped before these sinks had them, in the order of waiting(). Within a transaction: forget() before it,
  // saved() when it has succeeded.
  void missed(const std::vector<std::uint64_t>& rows);
  void forget();
  void save();                                               // those that changed; within a transaction
  void saved();                                              // it succeeded
  std::int64_t unsaved_rows(const std::string& sink) const;  // that would be offered again after a crash
  bool has_unsaved() const;

  std::vector<ports::StoreStatus::Cursor> describe() const;  // the active ones

  // The rows behind `settled` are counted if the journal goes on for no more than `count_max` numbers there.
  std::vector<ports::SinkAccount> audit(std::int64_t last_sequence, std::int64_t count_max);

 private:
  struct Known {
    Cursor now;
    Cursor on_disk;
    std::uint64_t missed_now = 0;  // by the transaction that is under way
    bool is_new = false;
    bool is_active = false;
  };

  Database& database_;
  Statement save_;
  Statement forget_ahead_;
  Statement save_ahead_;
  ReadingWalk journal_;
  std::map<std::string, Known> cursors_;
};

// The number that the next row comes behind.
std::int64_t last_sequence_of(Database& database);

// The same from outside, also beside a running gateway, of which it sees what was saved last. Everything is counted.
model::Result<std::vector<ports::SinkAccount>> audit_store(const std::filesystem::path& directory);

}  // namespace carbongate::store

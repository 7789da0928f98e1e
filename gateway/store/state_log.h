// The states of points and accounts in a database, written as they change: a few bytes of each, and now and then whole.
//
//   `checkpoint`  a state a subject, as of some commit
//   `state_log`   a record for each commit since then that changed states: 0x01, one zstd frame with its checksum
//   around
//                   number of states, and of readings of the commit, then three columns, the first two with their
//                   length before them:
//                   subjects  by ascending id: how much further each is
//                   forms     of each: 4 * bytes of it + 2 if it is a delta + 1 if its time and value are those of a
//                             reading
//                   states    of each: as it is, without its time and value if they are those of a reading; or as
//                             the low 16 bits of the CRC-32 of the subject's state in `checkpoint`, highest byte first,
//                             then state_delta.h
//
// "Those of a reading": the first two fields of a point's state are those of the state that has nothing but the time
// and value of the last reading of the point in the same commit. They are in the journal already; where not all of them
// are there any more, none is taken for the last one. Numbers as in
// reading_block.h. Whatever is wrong is found by a checksum or a missing number.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/store/block_table.h"
#include "gateway/store/database.h"
#include "gateway/store/reading_walk.h"
#include "gateway/store/record.h"
#include "gateway/store/zstd_frame.h"

namespace carbongate::store {

// One change of a state, as a record has it.
struct StateChange {
  bool is_delta = false;
  bool has_reading = false;
  std::string bytes;
  std::int64_t record = 0;  // its number
};

// Reads the bodies of records. One thread.
class StateRecords {
 public:
  StateRecords();

  using Visit = std::function<void(std::int64_t subject, StateChange change)>;
  std::uint64_t each(std::string_view body, const Visit& visit);  // the commit's readings; throws DamagedRecord

  // That its states can be told is another question. Throws DamagedRecord.
  void check(std::string_view body) {
    each(body, [](std::int64_t, const StateChange&) {});
  }

 private:
  ZstdFrame frame_;
};

// What can be told of the states from a database, by subject. Within a transaction it is of one moment.
class StateReader {
 public:
  StateReader(Database& database, BlockTable& blocks);

  using States = std::map<std::int64_t, std::string>;
  States read();  // throws DamagedRecord if one of them cannot be told

  // Of a damaged database: all of them as they were at the newest place of the journal where every one can be told.
  // `is_end_there`: no record is missing behind the last one.
  struct Salvaged {
    States states;
    std::optional<std::int64_t> behind;  // that place; nullopt: its end, nothing is missing
    std::uint64_t left_out = 0;          // states that cannot be told of any place
  };
  Salvaged salvage(bool is_end_there);

 private:
  struct Record {
    std::int64_t before = 0;
    std::int64_t last = 0;
    std::uint64_t readings = 0;
  };
  void read_all(std::int64_t records = INT64_MAX);  // up to that number
  void find_readings();
  std::optional<States> tell_all() const;
  std::uint64_t known() const;
  std::string told(std::int64_t subject, const StateChange& change) const;

  Database& database_;
  ReadingWalk readings_;
  RecordCodec codec_;
  StateRecords log_;
  States written_;                              // those of `checkpoint`
  std::map<std::int64_t, StateChange> newest_;  // by subject
  std::map<std::int64_t, Record> records_;
  std::int64_t whole_from_ = 1;                                // no record is missing from this number on
  std::unordered_map<std::int64_t, std::string> of_readings_;  // by subject: the first two fields of its state
};

// The states of a database that is written. One thread.
class StateLog {
 public:
  StateLog(Database& database, BlockTable& blocks);

  void load();  // throws DamagedRecord

  using Visit = std::function<void(std::int64_t subject, std::string_view state)>;
  void each(const Visit& visit) const;
  std::string_view state(std::int64_t subject) const;  // empty: it has none

  // Within the transaction of a commit, in this order. `of_reading`: the state that has nothing but the time and value
  // of the point's last reading in this commit; empty: it has none.
  void begin();  // forgets what a commit that failed has left
  void put(std::int64_t subject, std::string_view state, std::string_view of_reading);
  void write(std::int64_t before, std::int64_t last, std::uint64_t readings);

  // Writes the states whole if the log is long, or if readings up to `swept` are no longer there for it to refer to.
  void settle(std::int64_t swept, std::int64_t last);
  void write_whole(std::int64_t last);

  void accept();  // the transaction has succeeded
  bool is_whole() const { return now_.records == 0; }

 private:
  struct State {
    std::string now;
    std::string written;
  };
  struct Length {
    std::int64_t records = 0;
    std::size_t bytes = 0;
    std::int64_t before = 0;  // what the oldest record refers to lies behind this sequence
  };
  struct Put {
    std::int64_t subject = 0;
    std::size_t order = 0;
    std::string state;
    std::size_t of_reading = 0;  // bytes of it
  };
  std::string encode(std::uint64_t readings);
  void write_state(std::int64_t subject, std::string_view state);

  Database& database_;
  StateReader reader_;
  ZstdFrame frame_;
  Statement insert_;
  Statement put_;
  Statement clear_;
  Statement note_whole_;
  std::unordered_map<std::int64_t, State> states_;
  std::size_t state_bytes_ = 0;
  std::vector<Put> waiting_;  // of the transaction
  Length now_;
  Length next_;  // once the transaction has succeeded
  bool became_whole_ = false;
};

// Puts the states of a salvaged database in order: they are written whole, and the log is emptied. Where they could be
// told of an earlier place of the journal only, that is noted: states_behind(). Within no transaction.
StateReader::Salvaged salvage_states(Database& database, bool is_end_there);

// Up to where in the journal the states go; what lies behind is not in them. nullopt: they go to its end.
std::optional<std::int64_t> states_behind(Database& database);
void note_caught_up(Database& database);

}  // namespace carbongate::store

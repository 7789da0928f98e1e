// The durable half of the gateway: a journal of rows, a checkpoint, and a cursor per sink.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gateway/model/checkpoint.h"
#include "gateway/model/errors.h"
#include "gateway/model/rows.h"
#include "gateway/ports/sink.h"

namespace carbongate::ports {

struct StoreStatus {
  std::string id;                   // of the store, for ever: with a row's sequence the row's key; empty: it has none
  std::uint64_t rows_appended = 0;  // since the process began
  std::uint64_t commits = 0;
  std::uint64_t rows_thinned = 0;            // unsettled readings dropped to hold the size limit
  std::uint64_t readings_dropped_early = 0;  // to hold the size limit: by their age they would be kept
  std::uint64_t held_to_bytes = 0;           // instead of size_max, for which the disk has no room; 0: it has
  std::uint64_t last_sequence = 0;           // of the journal
  std::uint64_t last_notice = 0;             // of its newest alert or report; 0: none since the process began
  std::uint64_t bytes = 0;                   // on disk
  std::uint64_t entries = 0;                 // in the ledger: the number of the newest one
  std::uint64_t sealed = 0;                  // up to this one of them
  std::string seal_trouble;                  // why nothing is sealed, and what to do; empty: it is
  std::string damage;                  // what cannot be read any more: the next start repairs it; empty: nothing known
  std::string repaired;                // what this start saved of a damaged store, several lines; empty: it was sound
  std::vector<std::string> set_aside;  // names of folders with what this and earlier starts found damaged, still there
  struct Stretch {
    std::uint64_t begun = 0;    // before its first row
    std::uint64_t settled = 0;  // its last row; at least `begun`
  };
  struct Cursor {
    std::string sink;
    std::uint64_t settled = 0;   // sequence up to which everything is settled: the backlog lane's position
    std::uint64_t rejected = 0;  // refused for good and not accepted later: in the dead-letter list, or dropped from it
    std::uint64_t dropped = 0;   // dead letters that made room for newer ones, ever
    std::uint64_t missed = 0;    // as in SinkAccount

    // What is settled beyond, ascending, without contact. The end of the last one is the live lane's position; one more
    // is left from each outage that came before the backlog of the last was done. Empty: there is one lane.
    std::vector<Stretch> ahead = {};

    std::uint64_t live() const { return ahead.empty() ? settled : ahead.back().settled; }
    std::uint64_t behind() const;                     // numbers of the journal that wait in the backlog lane
    std::uint64_t waiting(std::uint64_t last) const;  // in both; `last`: of the journal
  };
  std::vector<Cursor> cursors;
};

// Minutes, hours or days of a station that begin within [from, to].
struct ReportQuery {
  std::string station;
  model::ReportKind kind = model::ReportKind::hour;
  Instant from{};
  Instant to{};
  std::optional<Instant> after = {};  // begin behind this: of the last one of the page before
  std::size_t limit = 100;
};

// Dead letters that were offered again. Those in neither list will be once more.
struct Retried {
  std::vector<std::uint64_t> accepted;
  std::vector<RejectedRow> rejected;
  std::vector<Attempt> attempts = {};
};

// What the record of deliveries says of a row and a sink.
struct Recorded {
  std::uint64_t sequence = 0;
  Instant first_sent{};
  Attempt::Outcome outcome = Attempt::Outcome::open;
};

inline std::uint64_t StoreStatus::Cursor::behind() const {
  std::uint64_t numbers = 0;
  std::uint64_t from = settled;
  for (const Stretch& stretch : ahead) {
    if (stretch.begun > from) numbers += stretch.begun - from;
    from = stretch.settled;
  }
  return numbers;
}

inline std::uint64_t StoreStatus::Cursor::waiting(std::uint64_t last) const {
  return behind() + (last > live() ? last - live() : 0);
}

// What became of the rows of the journal that were meant for a sink: each is in exactly one of these. The numbers of
// the journal say how many there were; all else was counted one by one.
struct SinkAccount {
  std::string sink;
  bool is_active = false;      // false: no longer configured; what it did not get is kept as long as everything is
  std::uint64_t received = 0;  // rows appended since it was first there
  std::uint64_t accepted = 0;
  std::uint64_t skipped = 0;             // left out by its configuration
  std::uint64_t refused = 0;             // by the far end, for good, and not accepted later: dead letters
  std::uint64_t missed = 0;              // dropped for their age or the store's size before it had them
  std::uint64_t lost = 0;                // with damaged pages of the store
  std::optional<std::uint64_t> pending;  // nullopt: too many to count now
  StoreStatus::Cursor cursor = {};       // where its lanes are
  std::optional<Instant> oldest = {};    // time of the oldest row that waits

  std::uint64_t accounted() const { return accepted + skipped + refused + missed + lost + pending.value_or(0); }
  bool balances() const { return !pending || accounted() == received; }
};

// Called from the loop thread. One operation runs at a time, in order of the calls; a commit that has begun always
// finishes, also when the caller is cancelled.
class Store {
 public:
  virtual ~Store() = default;

  // The checkpoint as last committed, by the names of the site the store was opened with: points and accounts that are
  // new get an empty state, those no longer configured keep theirs in the store.
  virtual model::Checkpoint checkpoint() = 0;

  // Appends the rows and replaces the states, in one transaction that is on disk when this completes.
  virtual boost::asio::awaitable<model::Result<void>> commit(model::Effects effects) = 0;

  // The oldest rows after the sink's cursor, at most `limit`, ascending. Empty: nothing is pending. A sink seen for the
  // first time starts at the oldest row kept. While there is a live lane these are the rows of the backlog lane; and
  // when that has reached a stretch that is settled ahead, the alerts in it and the rollups that are revisions, once
  // more: the backlog may have sent what they follow. The lanes have joined when it has passed the last one.
  virtual boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek(std::string sink,
                                                                                    std::size_t limit) = 0;

  // The rows behind `after`, which the caller has and has not settled yet: it fetches these while those are under way.
  // None while anything is settled ahead, or from a store that does not offer this: peek() has them in time.
  virtual boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_behind(std::string /*sink*/,
                                                                                           std::uint64_t /*after*/,
                                                                                           std::size_t /*limit*/) {
    co_return std::vector<model::StoredRow>{};
  }

  // The alerts behind `after`, the oldest `limit` of them: for a sink that sends them before the rows that it is
  // offered. None from a store that does not offer this.
  virtual boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> alerts_behind(std::uint64_t /*after*/,
                                                                                             std::size_t /*limit*/) {
    co_return std::vector<model::StoredRow>{};
  }

  // Opens a live lane: `rows` rows before the end of the journal, if they are not settled yet. Nothing is done if the
  // stretches settled ahead are kAheadMax already.
  static constexpr std::size_t kAheadMax = 32;
  virtual boost::asio::awaitable<model::Result<void>> open_live(std::string sink, std::uint64_t rows) = 0;

  // The oldest rows of the live lane, as peek(); without one there are none.
  virtual boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_live(std::string sink,
                                                                                         std::size_t limit) = 0;

  // Of the rows with a sequence from `before` - `rows` on and below `before`, the readings that are still kept,
  // ascending: for who decides about a reading by those before it.
  virtual boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> readings_before(std::uint64_t before,
                                                                                               std::uint64_t rows) = 0;

  // Moves the sink's cursor, of the lane that the delivery names, and keeps what it rejected, in one transaction.
  virtual boost::asio::awaitable<model::Result<void>> settle(std::string sink, Delivery delivery) = 0;

  // Dead letters that are to be offered again: before the journal's rows, the oldest first, at most `limit`, ascending.
  // Only a store that was asked for it before it was opened has some.
  virtual boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_retries(std::string sink,
                                                                                            std::size_t limit) = 0;

  // What became of them, in one transaction: those accepted leave the list, those refused stay in it with the new
  // reason.
  virtual boost::asio::awaitable<model::Result<void>> settle_retries(std::string sink, Retried outcome) = 0;

  // Keeps what a sink sent, of deliveries that settled nothing; settle() and settle_retries() keep what they carry. In
  // one transaction, with how far all sinks are: also without an attempt. A store that has no such record does nothing.
  virtual boost::asio::awaitable<model::Result<void>> record(std::string /*sink*/, std::vector<Attempt> /*attempts*/) {
    co_return model::Result<void>();
  }

  // What is recorded of a sink's rows with sequences in [from, to], ascending.
  virtual boost::asio::awaitable<model::Result<std::vector<Recorded>>> recorded(std::string /*sink*/,
                                                                                std::uint64_t /*from*/,
                                                                                std::uint64_t /*to*/) {
    co_return std::vector<Recorded>{};
  }

  // Signs the ledger as it stands, in one transaction; `at` is the time the seal bears. Nothing is done if there is no
  // new entry. Fault: without the ledger's key, or as commit().
  virtual boost::asio::awaitable<model::Result<void>> seal(Instant at) = 0;

  // Keeps a text for a sink, by name, in place of the one before: on disk when this completes. What is kept, by name.
  virtual boost::asio::awaitable<model::Result<void>> keep(std::string sink, std::string name, std::string value) = 0;
  virtual boost::asio::awaitable<model::Result<std::optional<std::string>>> kept(std::string sink,
                                                                                 std::string name) = 0;

  // The stored reports of a station that the query wants, by begin, of each the newest revision; at most `limit`,
  // behind `after`.
  virtual boost::asio::awaitable<model::Result<std::vector<model::StoredRow>>> reports(ReportQuery query) = 0;

  // The accounts of all sinks there ever were. What is pending is counted up to `count_max` numbers of the journal.
  virtual boost::asio::awaitable<model::Result<std::vector<SinkAccount>>> audit(std::uint64_t count_max) = 0;

  virtual StoreStatus status() const = 0;
};

}  // namespace carbongate::ports

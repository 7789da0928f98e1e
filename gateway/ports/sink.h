// A destination: is offered the oldest rows, at least once, and says what became of them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/model/errors.h"
#include "gateway/model/rows.h"

namespace carbongate::ports {

struct RejectedRow {
  std::uint64_t sequence = 0;
  std::string reason;  // the far end's words
};

// One time that an alert or a report was sent, and what came of it: for the record of deliveries. Said again with the
// same `sent`, it is the same time, of which more is known.
struct Attempt {
  // Stable numbers: they are stored.
  enum class Outcome : std::uint8_t {
    open = 0,      // there is no receipt: it is sent again
    received = 1,  // there is one
    refused = 2,   // for good: a dead letter
    sent = 3,      // and none is to be had: it is done, and nobody knows whether it arrived
  };
  std::uint64_t sequence = 0;            // of the row
  std::string id;                        // by which the far end knows a repeat
  Instant sent{};                        // begun to be
  std::optional<Instant> answered = {};  // nullopt: there was no answer
  Outcome outcome = Outcome::open;
  std::string answer = {};  // the far end's words; without an answer why there is none
};

// A sink that is far behind gets the newest rows first: its live lane begins near the end of the journal, and the
// backlog lane goes on beside it. Within each lane rows come in the order of the journal.
enum class Lane : std::uint8_t { backlog, live };

// Rows of the lane with a sequence <= settled_through are done: accepted, or rejected for good if listed. The others
// are offered again.
struct Delivery {
  std::uint64_t settled_through = 0;
  std::vector<RejectedRow> rejected;
  std::vector<std::uint64_t> skipped = {};  // of the rows that are done: left out, there is nothing to send for them
  std::uint64_t rows = 0;                   // done, of all kinds; counted by whoever offered them, for Store::audit()
  Lane lane = Lane::backlog;                // said by whoever offered them
  std::vector<Attempt> attempts = {};       // since the delivery before; put there by whoever offered them
};

struct SinkStatus {
  std::string name;
  bool healthy = false;
  Instant since{};     // of `healthy`
  std::string detail;  // last error
  std::uint64_t rows_accepted = 0;
  std::uint64_t rows_rejected = 0;
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  bool is_waiting_for_time = false;  // what it is offered is not due at its destination yet: nothing else is wrong
  std::uint64_t rows_skipped = 0;    // settled without being sent: not selected, or nothing to send for them
};

class Sink {
 public:
  virtual ~Sink() = default;

  virtual const std::string& name() const = 0;  // unique among the sinks; the cursor's name
  virtual std::size_t batch_rows() const = 0;   // how many rows it likes to be offered at once

  // What it does beside deliveries, until it is cancelled; begun before the first of them.
  virtual boost::asio::awaitable<void> attend() { co_return; }

  // Offers rows, ascending by sequence; may be cancelled at any co_await. A fault means: nothing is known to have
  // arrived, offer all of them again after a pause. Writing a row again must be harmless at the far end.
  virtual boost::asio::awaitable<model::Result<Delivery>> deliver(std::span<const model::StoredRow> rows) = 0;

  // The same for rows that were selected, offered and refused before: dead letters. Settled as above, though there are
  // gaps between them.
  virtual boost::asio::awaitable<model::Result<Delivery>> deliver_again(std::span<const model::StoredRow> rows) {
    return deliver(rows);
  }

  // What it has sent of alerts and reports since the last call, in order.
  virtual std::vector<Attempt> take_attempts() { return {}; }

  virtual SinkStatus status() const = 0;
};

}  // namespace carbongate::ports

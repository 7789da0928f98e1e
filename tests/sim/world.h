// What is outside the gateway and lives on when it dies: meters that count, a broker that keeps what was not
// acknowledged, a store far away that remembers what it was sent. And what it all should come to in the end.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/rows.h"
#include "gateway/ports/sink.h"
#include "tests/sim/lossy_disk.h"

namespace carbongate::sim {

// A cumulative register in Wh that is what it is, whether anybody reads it or not.
class Meter {
 public:
  Meter(std::mt19937_64& random, Instant begin, Duration horizon);
  double kwh_at(Instant at) const;  // exact in units of 0.001

 private:
  Instant begin_;
  std::vector<std::int64_t> wh_;  // every kTick
};

// Messages of one meter, as a broker keeps them for a client with a session: each waits until it is acknowledged.
class MessageQueue {
 public:
  MessageQueue(std::mt19937_64& random, const Meter& meter, Instant begin, Duration horizon);

  const Reading* front() const { return acknowledged_ < messages_.size() ? &messages_[acknowledged_] : nullptr; }
  void acknowledge() { ++acknowledged_; }
  const std::vector<Reading>& messages() const { return messages_; }

 private:
  std::vector<Reading> messages_;
  std::size_t acknowledged_ = 0;
};

// The far end of a sink: by sequence what was written. Writing a row again must not change it.
class FarEnd {
 public:
  // A breach is a sentence; empty: none. `lane`: that it came in.
  std::string write(std::uint64_t sequence, std::uint64_t digest, ports::Lane lane);
  static std::uint64_t digest(const model::StoredRow& row);
  static bool refuses(std::uint64_t digest) { return digest % 499 == 0; }  // for good, always the same ones

  const std::map<std::uint64_t, std::uint64_t>& rows() const { return rows_; }

 private:
  std::map<std::uint64_t, std::uint64_t> rows_;  // digest by sequence
  std::array<std::uint64_t, 2> newest_{};        // by lane: of what was sent for the first time
};

}  // namespace carbongate::sim

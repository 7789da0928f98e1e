// The real gateway, in virtual time, in a world that fails: one seed, one story.
//
// Real: Gateway, pipeline, journal, ledger, SQLite, sink pump. Made up: meters, broker, far end, clock, disk. A life of
// the gateway ends with an orderly stop, or with a power cut between any two writes of a transaction, a checkpoint or a
// cursor; the next one goes on with what the disk then holds. Some machines begin at 1970 after that, and people set
// clocks. Everything that is random comes from the seed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace carbongate::sim {

struct Outcome {
  std::vector<std::string> breaches;  // of the invariants, each a sentence; empty: all held
  std::uint64_t lives = 0;
  std::uint64_t power_cuts = 0;
  std::uint64_t readings = 0;      // in the journal
  std::uint64_t kept_apart = 0;    // of them: heard while nobody knew the time
  std::uint64_t rows = 0;          // of the journal
  std::uint64_t sectors_lost = 0;  // by power cuts
  std::uint64_t disk_faults = 0;   // commits that had to be tried again
  std::uint64_t sink_faults = 0;
  std::uint64_t lanes = 0;   // live ones that were opened
  std::uint64_t alerts = 0;  // changes of them
  std::uint64_t audits = 0;  // of conservation, while the gateway ran
};

// Invariants, checked at the end when everything has been let come to rest, the second and third also on the way:
//  - every message that was acknowledged is a reading in the journal;
//  - what the far end was sent is what the journal holds under that number, also after each power cut;
//  - in each lane rows arrive for the first time in the order of the journal, and in the end each one has: none
//  missing,
//    none changed, the refused ones in the dead-letter list; outages are long enough that the lanes part;
//  - what an account has counted, and the sum of its intervals, is what its meter moved between the first and the last
//    reading that counts, to the last unit;
//  - each alert is told once, change by change, and one at a time of each rule and subject; what fires, the states
//  know;
//  - conservation: every audit of the running gateway balanced, and in the end each row was accepted or refused;
//  - the ledger verifies, and every entry is sealed;
//  - the store is sound, and starts once more without repair.
Outcome simulate(std::uint64_t seed, const std::filesystem::path& directory);

// A disk that says it has written what it has not: the gateway starts again after every power cut, whatever that left.
Outcome simulate_lying_disk(std::uint64_t seed, const std::filesystem::path& directory);

}  // namespace carbongate::sim

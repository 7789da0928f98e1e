// A disk that keeps only what was synced: SQLite's default file system for this process, over real files.
//
// What is written is visible at once, as through the page cache. A power cut takes back what no sync has confirmed: of
// those writes, each 512-byte sector of each may be there or not, in any order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>

namespace carbongate::sim {

class LossyDisk {
 public:
  LossyDisk();   // one per process at a time
  ~LossyDisk();  // SQLite uses the usual files again
  LossyDisk(const LossyDisk&) = delete;
  LossyDisk& operator=(const LossyDisk&) = delete;

  // After `writes` more writes and syncs nothing reaches the disk, though writers are told that it does: the process is
  // dead, and only its destructors still run. 0: now.
  void cut_power(std::uint64_t writes = 0);
  bool is_dead() const;

  // Once nothing is open: every file is what a disk would hold after that, and can be written again.
  void restore_power(std::mt19937_64& random);

  // The next `writes` writes and syncs fail as on a full disk; or fail as on a broken one.
  enum class Fault : std::uint8_t { full, broken };
  void fail(Fault fault, std::uint64_t writes);

  // Syncs are confirmed and not done, as cheap flash does: until the end.
  void lie();

  struct Statistics {
    std::uint64_t syncs = 0;
    std::uint64_t sectors_lost = 0;
    std::uint64_t sectors_kept = 0;  // written, not synced, and there after the cut all the same
  };
  Statistics statistics() const;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace carbongate::sim

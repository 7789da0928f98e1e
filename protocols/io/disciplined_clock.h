// A machine's clock, made fit for stamps: it may start at 1970 after a power cut, and be set by hand or by a time
// server.
#pragma once

#include <mutex>
#include <optional>

#include "protocols/io/clock.h"

namespace carbongate::io {

// now() goes on evenly, whatever the machine's clock does, and comes to agree with it:
//
// | the machine's clock                                    | now()                                                |
// | ahead of it by up to kStepMax                          | follows at once                                      |
// | behind it by up to kStepMax                            | at half speed until they agree: no instant twice     |
// | further away, and a time server keeps it               | follows at once, also back                           |
// | further away, and nobody vouches for it                | not known: runs on evenly, until the clock has kept  |
// |                                                        | its new course for kSettled, or has come back        |
// | at the start before `floor`, and nobody vouches for it | not known: runs on from there, until it is set, or   |
// |                                                        | has kept its course, behind `earliest`, for kObstinate |
// | at the start behind `latest`, or set ahead by more     | the same                                             |
// | than kLeapMax, and nobody vouches for it               |                                                      |
//
// A clock that was wrong all the time by a believable amount cannot be told from one that is right.
//
// now(), ticks() and is_known(): any thread. The others: one thread. The machine's clock outlives it.
class DisciplinedClock final : public Clock {
 public:
  static constexpr std::chrono::milliseconds kStepMax = std::chrono::hours(1);
  static constexpr std::chrono::milliseconds kSettled = std::chrono::minutes(10);
  static constexpr std::chrono::milliseconds kObstinate = std::chrono::hours(24);  // then `floor` was wrong
  static constexpr std::chrono::milliseconds kLeapMax = std::chrono::hours(24 * 90);
  static constexpr std::chrono::milliseconds kSameCourse = std::chrono::minutes(1);

  explicit DisciplinedClock(Clock& machine);

  // It is later than `earliest`, and, as far as anybody knows, than `floor`, and before `latest`. `base`: now() -
  // ticks() of this run of the machine when its time was not known either, by a former run of the program: goes on from
  // there while it is not known.
  void begin(WallTime earliest, WallTime floor, WallTime latest, std::optional<std::chrono::milliseconds> base);

  WallTime now() const override;
  SteadyTime ticks() const override { return machine_.ticks(); }
  WallTime machine_now() const override { return machine_.now(); }
  std::uint64_t boot() const override { return machine_.boot(); }
  bool is_synchronised() const override { return machine_.is_synchronised(); }
  bool is_known() const override;
  bool settle() override;
  boost::asio::awaitable<void> sleep_until(SteadyTime deadline) override { return machine_.sleep_until(deadline); }

 private:
  // With the lock held.
  void follow() const;
  bool has_convinced(WallTime wall) const;

  Clock& machine_;
  mutable std::mutex mutex_;
  WallTime earliest_{};
  WallTime floor_{};
  WallTime latest_ = WallTime::max();
  mutable std::chrono::milliseconds base_{};  // now() - ticks()
  mutable SteadyTime followed_{};             // when it was compared with the machine's clock
  mutable std::chrono::milliseconds odd_{};   // of its steps back at half speed, what is left of a halved millisecond
  mutable bool known_ = true;
  mutable bool stepped_ = false;                // not known because of a step, not since the start
  mutable std::chrono::milliseconds course_{};  // the machine's clock - ticks() since...
  mutable SteadyTime course_since_{};           // ...this
};

}  // namespace carbongate::io

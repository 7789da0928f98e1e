// What all of one seed's story share: the dice, the disk, the far end, and each life's clock.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "protocols/io/disciplined_clock.h"
#include "tests/sim/lossy_disk.h"
#include "tests/sim/simulator.h"
#include "tests/sim/world.h"
#include "tests/support/fake_clock.h"

namespace carbongate::sim {

inline constexpr Instant kBegin = Instant(std::chrono::seconds(1'767'225'600));  // 2026-01-01T00:00:00Z
inline constexpr Duration kHorizon = std::chrono::hours(4);
inline constexpr Duration kLost = -std::chrono::hours(24 * 365);  // a clock that is as far behind was never set
inline constexpr int kMessageMeters = 2;                          // their messages wait for an acknowledgement
inline constexpr int kPolledMeters = 1;                           // is asked, and what nobody asks for is not known
inline constexpr int kMeters = kMessageMeters + kPolledMeters;

// One seed: the dice, and what outlives the gateway.
struct World {
  World(std::uint64_t seed, std::filesystem::path folder)
      : random(seed),
        directory(std::move(folder)),
        block_rows(40 + static_cast<std::int64_t>(seed % 200)),
        is_in_order(seed % 3 == 0) {
    for (int i = 0; i < kMeters; ++i) meters.emplace_back(random, kBegin, kHorizon);
    for (int i = 0; i < kMessageMeters; ++i) {
      queues.emplace_back(random, meters[static_cast<std::size_t>(i)], kBegin, kHorizon);
    }
  }

  bool chance(int percent) { return random() % 100 < static_cast<std::uint64_t>(percent); }
  Duration between(Duration from, Duration to) {
    return from + Duration(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>((to - from).count() + 1)));
  }
  void breach(std::string what) {
    if (!what.empty() && outcome.breaches.size() < 20) outcome.breaches.push_back(std::move(what));
  }

  std::mt19937_64 random;
  std::filesystem::path directory;
  std::int64_t block_rows;
  bool is_in_order;  // the sink's way; else the newest rows go first after an outage
  LossyDisk disk;
  std::vector<Meter> meters;
  std::vector<MessageQueue> queues;
  FarEnd far_end;
  std::map<std::uint64_t, std::uint64_t> journal;  // digests, as seen by a sink before the last power cut
  Duration elapsed{};                              // true time since kBegin, when this life began
  Duration clock_error{};                          // of the machine's wall clock
  Duration step{};                                 // of it: one that will be taken back...
  Instant step_until{};                            // ...then
  std::uint64_t boot = 1;                          // which run of the machine it is
  Duration booted{};                               // when that began, as `elapsed`
  Instant far_end_down_until{};
  bool is_quiet = false;  // no more faults: everything comes to rest
  bool is_honest = true;  // the disk: what it says it has written is there
  Outcome outcome;
};

// What a life of the gateway shares with the world around it.
struct Life {
  explicit Life(World& of) : world(of), machine(loop.get_executor()) {
    machine.set_machine(of.boot, io::SteadyTime(of.elapsed - of.booted), kBegin + of.elapsed + of.clock_error);
  }
  Instant true_time() const { return kBegin + world.booted + machine.ticks().time_since_epoch(); }
  void set_clock(Duration error) {
    world.clock_error = error;
    machine.set_wall(true_time() + error);
  }
  bool is_dead() const { return world.disk.is_dead(); }

  World& world;
  boost::asio::io_context loop{1};
  testing::FakeClock machine;
  io::DisciplinedClock clock{machine};
};

}  // namespace carbongate::sim

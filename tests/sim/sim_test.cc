#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <string>

#include "tests/sim/simulator.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::sim {
namespace {

// CARBONGATE_SIM_SEEDS=N: up to which seed, all shards together; CARBONGATE_SIM_FROM=N: from which on, otherwise the
// first. CARBONGATE_SIM_SEED=N: that one alone, with the gateway's log.
std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::stoull(text) : otherwise;
}

class Simulation : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  static constexpr std::uint64_t kShards = 8;

  void SetUp() override { spdlog::set_level(one_ ? spdlog::level::debug : spdlog::level::off); }
  void TearDown() override { spdlog::set_level(spdlog::level::info); }

  template <class Simulate>
  Outcome run(Simulate simulate, std::uint64_t from, std::uint64_t to) {
    Outcome sum;
    for (std::uint64_t seed = one_ ? one_ : from + GetParam() - 1; seed <= (one_ ? one_ : to); seed += kShards) {
      TemporaryDirectory directory;
      const Outcome outcome = simulate(seed, directory.path());
      for (const std::string& breach : outcome.breaches)
        ADD_FAILURE() << "CARBONGATE_SIM_SEED=" << seed << ": " << breach;
      sum.lives += outcome.lives;
      sum.power_cuts += outcome.power_cuts;
      sum.readings += outcome.readings;
      sum.kept_apart += outcome.kept_apart;
      sum.rows += outcome.rows;
      sum.sectors_lost += outcome.sectors_lost;
      sum.disk_faults += outcome.disk_faults;
      sum.sink_faults += outcome.sink_faults;
      sum.lanes += outcome.lanes;
      sum.alerts += outcome.alerts;
      sum.audits += outcome.audits;
      if (!outcome.breaches.empty()) break;
    }
    std::cout << sum.lives << " lives, " << sum.power_cuts << " power cuts, " << sum.sectors_lost << " sectors lost, "
              << sum.disk_faults << " failed operations, " << sum.sink_faults << " failed deliveries, " << sum.lanes
              << " live lanes, " << sum.alerts << " changes of alerts, " << sum.audits << " audits, " << sum.readings
              << " readings (" << sum.kept_apart << " at unknown time), " << sum.rows << " rows\n";
    return sum;
  }

  const std::uint64_t from_ = from_environment("CARBONGATE_SIM_FROM", 1);
  const std::uint64_t to_ = from_environment("CARBONGATE_SIM_SEEDS", 200);
  const std::uint64_t one_ = from_environment("CARBONGATE_SIM_SEED", 0);
};

TEST_P(Simulation, LosesNothingAndCountsNothingTwice) {
  const Outcome sum = run(simulate, from_, to_);
  EXPECT_GT(sum.power_cuts, 0u) << "a test that cannot fail";
  EXPECT_GT(sum.sectors_lost, 0u);
  EXPECT_GT(sum.disk_faults, 0u);
  EXPECT_GT(sum.sink_faults, 0u);
  EXPECT_GT(sum.kept_apart, 0u);
  EXPECT_GT(sum.lanes, 0u);
  EXPECT_GT(sum.alerts, 0u);
}

TEST_P(Simulation, StartsAgainAfterADiskThatLies) {
  const Outcome sum = run(simulate_lying_disk, from_ / 4 + 1, to_ / 4);
  EXPECT_GT(sum.sectors_lost, 0u);
}

INSTANTIATE_TEST_SUITE_P(Shards, Simulation, ::testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace carbongate::sim

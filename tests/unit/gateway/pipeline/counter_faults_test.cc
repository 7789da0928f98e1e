// Counters with faults, made by a generator that knows the truth: what is booked must lie between the energy that
// readings prove and the energy that flowed. Never above it.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "gateway/pipeline/counter.h"
#include "tests/support/rounds.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using namespace std::chrono_literals;

enum class Fault { none, zeros, spike, stuck_garbage, silence, not_a_number, reset, exchange, kinds };

class History {
 public:
  History(unsigned seed, bool power_known) : random_(seed), power_known_(power_known) {}

  void run(int steps) {
    value_wh_ = 1'000'000 + below(80'000'000);
    show(value_wh_);
    read_wh_ = flowed_wh_;
    for (int i = 0; i < steps; ++i) {
      if (below(40) == 0) {
        cause(static_cast<Fault>(below(static_cast<std::int64_t>(Fault::kinds))));
      } else {
        good();
      }
    }
    for (int i = 0; i < 20; ++i) good();  // what is pending is decided
  }

  std::vector<Reading> readings;
  std::int64_t flowed() const { return flowed_wh_; }
  std::int64_t provable() const { return flowed_wh_ - lost_wh_; }

 private:
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n)); }

  void flow(Duration time) {
    const std::int64_t wh = below(200'000 * time.count() / 3'600'000 + 1);  // up to 200 kW
    at_ += time;
    flowed_wh_ += wh;
    value_wh_ += wh;
  }
  void show(double wh) { readings.push_back(reading(PointId{0}, at_, wh / 1e3)); }
  void show(std::int64_t wh) { show(static_cast<double>(wh)); }
  void good() {
    flow(10s);
    show(value_wh_);
    read_wh_ = flowed_wh_;
  }
  // Energy since the last good reading cannot be known. (A counter that is reset while it is hardly above 0 cannot be
  // told from one that was not.)
  void start_at(std::int64_t wh) {
    if (value_wh_ < 10'000) return good();
    flow(10s);
    value_wh_ = wh;
    show(value_wh_);
    // Without power_max a step from 0 is one only if the counter goes on alike: here no step is like another.
    const std::int64_t read = read_wh_;
    std::int64_t lost = flowed_wh_ - read;
    while (value_wh_ == 0) {
      good();
      if (!power_known_) lost = flowed_wh_ - read;
    }
    lost_wh_ += lost;
    // Of a course that is left again at once nothing is booked.
    for (std::size_t i = 1; i < kCourseReadings; ++i) good();
  }
  void repeat(std::int64_t times, double wh) {
    for (; times > 0; --times) {
      flow(10s);
      show(wh);
    }
    good();
    good();
    good();
  }

  void cause(Fault fault) {
    switch (fault) {
      case Fault::zeros: return repeat(1 + below(30), 0.0);
      case Fault::spike:
        return repeat(1, static_cast<double>(value_wh_) + 2e6 + static_cast<double>(below(4'000'000'000)));
      case Fault::stuck_garbage: return repeat(1 + below(10), static_cast<double>(4'294'967'295));
      case Fault::silence: return flow(Duration(below(7'200'000)));
      case Fault::not_a_number: return repeat(1 + below(5), std::nan(""));
      case Fault::reset: return start_at(0);
      case Fault::exchange: return power_known_ ? start_at(5'000'000 + below(2'000'000'000)) : start_at(0);
      default: return good();
    }
  }

  std::mt19937_64 random_;
  bool power_known_;
  Instant at_ = utc("2023-01-01 00:00");
  std::int64_t value_wh_ = 0;
  std::int64_t flowed_wh_ = 0;
  std::int64_t read_wh_ = 0;
  std::int64_t lost_wh_ = 0;
};

class CounterFaults : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(PowerKnown, CounterFaults, ::testing::Bool());

TEST_P(CounterFaults, BookNothingThatDidNotFlowAndLoseNothingThatWasRead) {
  for (int seed = 1; seed <= rounds(150); ++seed) {
    TestSite site;
    PointLimits limits;
    limits.interval = 10s;
    if (GetParam()) limits.power_max_w = 250e3;
    site.add_account(site.add_point("energy", Kind::cumulative, "kWh", limits));
    Pipeline pipeline = site.pipeline();
    History history(seed, GetParam());
    history.run(600);
    feed(pipeline, history.readings);
    const std::int64_t booked = pipeline.state().accounts[0].amount.quanta() / 1'000;
    EXPECT_LE(booked, history.flowed()) << "seed " << seed;
    EXPECT_GE(booked, history.provable()) << "seed " << seed;
    EXPECT_FALSE(pipeline.state().points[0].counter.pending) << "seed " << seed;
  }
}

}  // namespace
}  // namespace carbongate::pipeline

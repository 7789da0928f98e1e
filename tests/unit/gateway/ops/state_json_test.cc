#include "gateway/ops/state_json.h"

#include <gtest/gtest.h>

namespace carbongate::ops {
namespace {

using namespace std::chrono_literals;

State state_at(Duration at, std::uint64_t last, std::uint64_t settled) {
  State state;
  state.now = Instant(at);
  state.is_started = true;
  state.store.last_sequence = last;
  state.store.cursors.push_back({.sink = "tsdb", .settled = settled});
  return state;
}

TEST(SinkRates, CountWhatWasSettledInTheLastMinute) {
  SinkRates rates;
  EXPECT_EQ(rates.rows_per_s("tsdb"), 0);
  rates.note(state_at(0s, 1'000, 100));
  EXPECT_EQ(rates.rows_per_s("tsdb"), 0);
  rates.note(state_at(10s, 1'100, 150));
  EXPECT_DOUBLE_EQ(rates.rows_per_s("tsdb"), 5);
  for (int i = 2; i <= 20; ++i) rates.note(state_at(i * 10s, 9'000, 150 + 100U * static_cast<unsigned>(i)));
  EXPECT_DOUBLE_EQ(rates.rows_per_s("tsdb"), 10);
  EXPECT_EQ(rates.rows_per_s("another"), 0);
}

TEST(SinkRates, BeginAnewWhenTheClockIsSetBack) {
  SinkRates rates;
  rates.note(state_at(100s, 100, 10));
  rates.note(state_at(110s, 100, 20));
  rates.note(state_at(50s, 100, 30));
  EXPECT_EQ(rates.rows_per_s("tsdb"), 0);
  rates.note(state_at(60s, 100, 60));
  EXPECT_DOUBLE_EQ(rates.rows_per_s("tsdb"), 3);
}

TEST(Readiness, SaysWhyNot) {
  State state = state_at(0s, 1, 1);
  EXPECT_TRUE(not_ready(state).empty());
  state.balances = false;
  state.store_trouble = "disk full";
  EXPECT_EQ(not_ready(state), (std::vector<std::string>{"the store cannot be written: disk full",
                                                        "conservation is broken: the gateway's log says where"}));
  state.is_started = false;
  EXPECT_EQ(not_ready(state).front(), "the gateway is starting");
}

}  // namespace
}  // namespace carbongate::ops

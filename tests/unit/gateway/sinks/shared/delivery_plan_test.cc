#include "gateway/sinks/shared/delivery_plan.h"

#include <gtest/gtest.h>

#include <set>

namespace carbongate::sinks::shared {
namespace {

// A server that refuses the lines in `bad`, and says how many of a body it dropped if it `counts`.
struct Outcome {
  std::set<std::size_t> given_up;
  std::size_t requests = 0;
};

Outcome run(std::size_t lines, const std::set<std::size_t>& bad, bool counts) {
  Outcome outcome;
  DeliveryPlan plan(lines);
  std::size_t settled = 0;
  while (const auto range = plan.next()) {
    ++outcome.requests;
    EXPECT_GE(range->begin, settled) << "settled lines stay settled";
    settled = range->begin;
    const auto dropped =
        static_cast<std::size_t>(std::distance(bad.lower_bound(range->begin), bad.lower_bound(range->end)));
    if (dropped == 0) {
      plan.accepted();
    } else if (plan.refused(counts ? std::optional(dropped) : std::nullopt)) {
      for (std::size_t i = range->begin; i < range->end; ++i) outcome.given_up.insert(i);
    }
  }
  EXPECT_TRUE(plan.pending().empty());
  return outcome;
}

TEST(DeliveryPlan, SendsAllAtOnceAndIsDone) {
  DeliveryPlan plan(10);
  EXPECT_EQ(plan.next(), (DeliveryPlan::Range{0, 10}));
  plan.accepted();
  EXPECT_FALSE(plan.next());
}

TEST(DeliveryPlan, HasNothingToDoForNothing) {
  EXPECT_FALSE(DeliveryPlan(0).next());
}

TEST(DeliveryPlan, FindsExactlyTheLinesThatAreRefused) {
  for (const std::set<std::size_t>& bad :
       {std::set<std::size_t>{0}, {999}, {500}, {3, 4, 5}, {0, 999}, {1, 10, 100, 500, 501, 777}}) {
    for (const bool counts : {false, true}) EXPECT_EQ(run(1000, bad, counts).given_up, bad);
  }
}

TEST(DeliveryPlan, FindsOneLineAmongAThousandInAFewRequests) {
  EXPECT_LE(run(1000, {123}, false).requests, 21U);
}

TEST(DeliveryPlan, GivesUpAWholeBodyAtOnceWhenTheServerDroppedAllOfIt) {
  std::set<std::size_t> all;
  for (std::size_t i = 0; i < 1000; ++i) all.insert(i);
  EXPECT_EQ(run(1000, all, true).requests, 1U);
  EXPECT_EQ(run(1000, all, false).given_up, all);
}

TEST(DeliveryPlan, FindsLinesThatStandTogetherInAFewRequests) {
  std::set<std::size_t> together;
  for (std::size_t i = 400; i < 600; ++i) together.insert(i);
  const Outcome outcome = run(1000, together, true);
  EXPECT_EQ(outcome.given_up, together);
  EXPECT_LE(outcome.requests, 40U);
}

TEST(DeliveryPlan, DoesNotTrustACountBelowTheNumberOfLines) {
  DeliveryPlan plan(4);
  EXPECT_FALSE(plan.refused(3));
  EXPECT_EQ(plan.next(), (DeliveryPlan::Range{0, 2}));
}

}  // namespace
}  // namespace carbongate::sinks::shared

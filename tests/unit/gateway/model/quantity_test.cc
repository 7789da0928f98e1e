#include "gateway/model/quantity.h"

#include <gtest/gtest.h>

namespace carbongate::model {
namespace {

template <class A, class B>
concept Addable = requires(A a, B b) { a + b; };
template <class A, class B>
concept Comparable = requires(A a, B b) { a < b; };

// What must not compile is the point of these types.
static_assert(Addable<Activity, Activity>);
static_assert(!Addable<Activity, Co2e>);
static_assert(!Comparable<Activity, Co2e>);
static_assert(Addable<Cumulative<Activity>, Activity>);
static_assert(!Addable<Cumulative<Activity>, Cumulative<Activity>>);

TEST(Quantity, AddsAndSubtracts) {
  Activity a = Activity::of(5);
  a += Activity::of(7);
  a -= Activity::of(2);
  EXPECT_EQ(a, Activity::of(10));
  EXPECT_EQ(-a, Activity::of(-10));
  EXPECT_LT(-a, a);
}

TEST(Cumulative, DifferenceIsAnAmount) {
  const auto before = Cumulative<Activity>::at(Activity::of(100));
  const auto after = before + Activity::of(23);
  EXPECT_EQ(after - before, Activity::of(23));
  EXPECT_GT(after, before);
}

}  // namespace
}  // namespace carbongate::model

#include "gateway/ops/access/login_limit.h"

#include <gtest/gtest.h>

namespace carbongate::access {
namespace {

using namespace std::chrono_literals;

TEST(Buckets, GiveAFewTriesAtOnceAndThenOneAtATime) {
  Buckets buckets({.tries = 3, .each = 10s}, 10);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(buckets.take("a", 100s), 0s);
  EXPECT_EQ(buckets.take("a", 100s), 10s);
  EXPECT_EQ(buckets.take("a", 104s), 6s);
  EXPECT_EQ(buckets.take("b", 104s), 0s) << "another key";
  EXPECT_EQ(buckets.take("a", 110s), 0s);
  EXPECT_EQ(buckets.take("a", 110s), 10s);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(buckets.take("a", 1000s), 0s) << "full again, and not more than full";
  EXPECT_GT(buckets.take("a", 1000s), 0s);
}

TEST(Buckets, TakeBackATry) {
  Buckets buckets({.tries = 1, .each = 10s}, 10);
  EXPECT_EQ(buckets.take("a", 1s), 0s);
  buckets.give_back("a", 1s);
  EXPECT_EQ(buckets.take("a", 1s), 0s);
  buckets.give_back("a", 1s);
  buckets.give_back("a", 1s);
  buckets.give_back("a", 1s);
  EXPECT_EQ(buckets.take("a", 1s), 0s);
  EXPECT_GT(buckets.take("a", 1s), 0s) << "more came back than was taken";
}

TEST(Buckets, ShareOneWhereTheTableIsFull) {
  Buckets buckets({.tries = 2, .each = 10s}, 2);
  EXPECT_EQ(buckets.take("a", 0s), 0s);
  EXPECT_EQ(buckets.take("b", 0s), 0s);
  EXPECT_EQ(buckets.take("c", 0s), 0s);
  EXPECT_EQ(buckets.take("d", 0s), 0s);
  EXPECT_GT(buckets.take("e", 0s), 0s) << "c and d have used up what is shared";
  EXPECT_EQ(buckets.take("a", 0s), 0s) << "whoever has his own keeps it";
  EXPECT_EQ(buckets.keys(), 2U);
  EXPECT_EQ(buckets.shared(), 3U);
  EXPECT_EQ(buckets.take("e", 100s), 0s);
  EXPECT_EQ(buckets.keys(), 1U) << "those that are full again make room";
}

TEST(LoginLimit, CountsAMachineByItsNetwork) {
  EXPECT_EQ(network_of("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(network_of("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(network_of("2001:DB8:1:2::9"), "2001:db8:1:2::/64");
  EXPECT_EQ(network_of("fe80::1%eth0"), "fe80::/64");
  EXPECT_EQ(network_of("nonsense"), "nonsense");
  EXPECT_EQ(network_of(""), "");
}

TEST(LoginLimit, HoldsOneAddressThatTriesManyUsers) {
  LoginLimit limit{LoginTries()};
  for (int i = 0; i < 10; ++i) EXPECT_EQ(limit.take("192.0.2.7", "user" + std::to_string(i), 0s), 0s);
  EXPECT_EQ(limit.take("192.0.2.7", "another", 0s), 10s);
  EXPECT_EQ(limit.take("192.0.2.8", "another", 0s), 0s);
}

TEST(LoginLimit, HoldsManyAddressesThatTryOneUser) {
  LoginLimit limit{LoginTries()};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(limit.take("192.0.2." + std::to_string(i), "li", 0s), 0s);
  EXPECT_EQ(limit.take("192.0.2.99", "li", 0s), 10s);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(limit.take("192.0.2.99", "wang" + std::to_string(i), 0s), 0s) << "nothing was taken";
}

TEST(LoginLimit, HasTheTriesThatItIsGiven) {
  LoginLimit limit({.per_address = {.tries = 2, .each = 1min}, .per_user = {.tries = 3, .each = 1min}});
  EXPECT_EQ(limit.take("192.0.2.7", "li", 0s), 0s);
  EXPECT_EQ(limit.take("192.0.2.7", "li", 0s), 0s);
  EXPECT_EQ(limit.take("192.0.2.7", "wang", 0s), 1min) << "the address has had its two";
  EXPECT_EQ(limit.take("192.0.2.8", "li", 0s), 0s);
  EXPECT_EQ(limit.take("192.0.2.8", "li", 0s), 1min) << "the user has had three";
  EXPECT_EQ(limit.take("192.0.2.7", "li", 1min), 0s);
}

TEST(LoginLimit, DoesNotCountWhoKnowsHisPassword) {
  LoginLimit limit{LoginTries()};
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(limit.take("192.0.2.7", "li", 0s), 0s);
    limit.succeeded("192.0.2.7", "li", 0s);
  }
}

TEST(LoginLimit, StaysBoundedWhateverIsTried) {
  LoginLimit limit{LoginTries()};
  for (int i = 0; i < 10'000; ++i) {
    limit.take("2001:db8:" + std::to_string(i % 10'000) + "::1", "user" + std::to_string(i), 0s);
  }
  EXPECT_GT(limit.shared(), 0U);
  EXPECT_GT(limit.take("203.0.113.1", "somebody", 0s), 0s) << "strangers share what is left over";
}

}  // namespace
}  // namespace carbongate::access

#include "protocols/io/backoff.h"

#include <gtest/gtest.h>

namespace carbongate::io {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToItsCapWithJitterOfAtMostHalf) {
  Backoff backoff(100ms, 30s, 1);
  for (auto full = 100ms; full < 60s; full *= 2) {
    const auto wait = backoff.next();
    EXPECT_LE(wait, std::min<std::chrono::milliseconds>(full, 30s));
    EXPECT_GE(wait, std::min<std::chrono::milliseconds>(full, 30s) / 2);
  }
}

TEST(Backoff, StaysAtItsCapAfterAnyNumberOfAttempts) {
  Backoff backoff(100ms, 30s, 1);
  for (int i = 0; i < 1'000; ++i) EXPECT_LE(backoff.next(), 30s);
  EXPECT_EQ(backoff.attempts(), 1'000);
}

TEST(Backoff, StartsAgainAfterASuccess) {
  Backoff backoff(100ms, 30s, 1);
  for (int i = 0; i < 9; ++i) backoff.next();
  backoff.reset();
  EXPECT_LE(backoff.next(), 100ms);
}

TEST(Backoff, DiffersBetweenGateways) {
  Backoff a(1s, 30s, 1);
  Backoff b(1s, 30s, 2);
  int equal = 0;
  for (int i = 0; i < 20; ++i) equal += a.next() == b.next() ? 1 : 0;
  EXPECT_LT(equal, 3);
}

}  // namespace
}  // namespace carbongate::io

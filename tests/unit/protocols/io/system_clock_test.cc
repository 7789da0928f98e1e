#include "protocols/io/system_clock.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace carbongate::io {
namespace {

TEST(SystemClock, IsSynchronisedWhenTheKernelSaysThatATimeServerKeepsIt) {
  EXPECT_TRUE(SystemClock([](timex* state) { return state->status = STA_PLL, TIME_OK; }).is_synchronised());
  EXPECT_TRUE(SystemClock([](timex* state) { return state->status = STA_PLL | STA_INS, TIME_INS; }).is_synchronised());
  EXPECT_FALSE(SystemClock([](timex* state) { return state->status = STA_UNSYNC, TIME_ERROR; }).is_synchronised());
  EXPECT_FALSE(SystemClock([](timex* state) { return state->status = STA_UNSYNC, TIME_OK; }).is_synchronised());
}

TEST(SystemClock, IsNotSynchronisedWhenTheKernelDoesNotAnswer) {
  const auto refused = [](timex*) { return errno = EPERM, -1; };  // as a filter of system calls does
  EXPECT_FALSE(SystemClock(refused).is_synchronised());
}

}  // namespace
}  // namespace carbongate::io

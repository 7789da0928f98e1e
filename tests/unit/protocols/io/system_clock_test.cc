#include "protocols/io/system_clock.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

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

TEST(SystemClock, TellsRunsOfTheMachineApartByTheKernelsId) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() / "boot_id";
  const auto boot_after_writing = [&](const char* id) {
    std::ofstream(file) << id << "\n";
    return SystemClock(::adjtimex, file.c_str()).boot();
  };
  const std::uint64_t first = boot_after_writing("0f0e5e0a-8f57-4d4c-8bb5-6f1d7e1c2a01");
  EXPECT_EQ(SystemClock(::adjtimex, file.c_str()).boot(), first) << "after a restart of the program";
  EXPECT_NE(boot_after_writing("0f0e5e0a-8f57-4d4c-8bb5-6f1d7e1c2a02"), first) << "after one of the machine";
}

TEST(SystemClock, TakesEachRunOfTheProgramForOneOfTheMachineWhereTheKernelShowsNoId) {
  const SystemClock clock(::adjtimex, "/nowhere/boot_id");
  EXPECT_EQ(clock.boot(), clock.boot());
  EXPECT_NE(SystemClock(::adjtimex, "/nowhere/boot_id").boot(), clock.boot());
}

}  // namespace
}  // namespace carbongate::io

#include "protocols/wire/one_line.h"

#include <gtest/gtest.h>

namespace carbongate::wire {
namespace {

TEST(OneLine, KeepsAText) {
  EXPECT_EQ(one_line("Connection refused"), "Connection refused");
}

TEST(OneLine, TakesLineFeedsAndBlanksAway) {
  EXPECT_EQ(one_line("\n  first\n\tsecond \r\n"), "first  second");
  EXPECT_EQ(one_line(" \n"), "");
}

TEST(OneLine, ShortensWithoutCuttingACharacter) {
  EXPECT_EQ(one_line("abcdefghij", 8), "abcde...");
  EXPECT_EQ(one_line("ab冲压车间", 8), "ab冲...");
  EXPECT_EQ(one_line("ab冲压车间", 14), "ab冲压车间");
}

}  // namespace
}  // namespace carbongate::wire

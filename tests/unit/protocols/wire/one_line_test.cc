#include "protocols/wire/one_line.h"

#include <gtest/gtest.h>

namespace carbongate::wire {
namespace {

TEST(OneLine, KeepsAText) {
  EXPECT_EQ(one_line("Connection refused"), "Connection refused");
}

TEST(WebPage, IsToldByItsBegin) {
  EXPECT_TRUE(is_web_page("  <!DOCTYPE html>\n<html lang=en>"));
  EXPECT_TRUE(is_web_page("<HTML><body>Please log in"));
  EXPECT_FALSE(is_web_page("ok"));
  EXPECT_FALSE(is_web_page(R"({"status": "accepted"})"));
  EXPECT_FALSE(is_web_page(""));
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

#include "protocols/wire/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace carbongate::wire {
namespace {

TEST(FirstBytes, AreWholeCharacters) {
  const std::string text = "ab冲压";
  EXPECT_EQ(first_bytes(text, 8), text);
  EXPECT_EQ(first_bytes(text, 7), "ab冲");
  EXPECT_EQ(first_bytes(text, 5), "ab冲");
  EXPECT_EQ(first_bytes(text, 4), "ab");
  EXPECT_EQ(first_bytes(text, 0), "");
}

TEST(FirstBytes, MayBeNoneOfWhatIsNoText) {
  EXPECT_EQ(first_bytes("\x80\x80\x80", 2), "");
}

}  // namespace
}  // namespace carbongate::wire

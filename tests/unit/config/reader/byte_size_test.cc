#include "config/reader/byte_size.h"

#include <gtest/gtest.h>

namespace carbongate::config {
namespace {

TEST(ByteSize, NeedsANumberAndAUnit) {
  EXPECT_EQ(parse_byte_size("8GiB"), 8ull << 30);
  EXPECT_EQ(parse_byte_size("1.5 GiB"), 3ull << 29);
  EXPECT_EQ(parse_byte_size("8GB"), 8'000'000'000u);
  EXPECT_EQ(parse_byte_size("100B"), 100u);
  for (const char* bad : {"", "8", "GiB", "-8GiB", "8Gib", "8G", "1e99GiB", "99999999TiB"}) {
    EXPECT_EQ(parse_byte_size(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(format_byte_size(8ull << 30), "8GiB");
  EXPECT_EQ(format_byte_size(8'000'000'000u), "8GB");
  EXPECT_EQ(format_byte_size(1001), "1001B");
}

}  // namespace
}  // namespace carbongate::config

#include "protocols/wire/byte_reader.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace carbongate::wire {
namespace {

using testing::from_hex;

TEST(ByteReader, ReadsBigEndianUnlessAskedOtherwise) {
  const auto bytes = from_hex("01 0203 0405 0607");
  ByteReader in(bytes);
  EXPECT_EQ(*in.u8(), 0x01);
  EXPECT_EQ(*in.u16(), 0x0203);
  EXPECT_EQ(*in.u16_little_endian(), 0x0504);
  EXPECT_EQ(in.position(), 5u);
  EXPECT_EQ(testing::to_hex(*in.bytes(2)), "0607");
  EXPECT_EQ(in.remaining(), 0u);
}

TEST(ByteReader, StaysWhereItWasWhenAReadFails) {
  const auto bytes = from_hex("01");
  ByteReader in(bytes);
  EXPECT_EQ(in.u16().error(), make_error_code(Error::truncated));
  EXPECT_EQ(in.u16_little_endian().error(), make_error_code(Error::truncated));
  EXPECT_EQ(in.bytes(2).error(), make_error_code(Error::truncated));
  EXPECT_EQ(in.position(), 0u);
  EXPECT_EQ(*in.u8(), 0x01);
  EXPECT_EQ(in.u8().error().message(), "ends too early");
}

}  // namespace
}  // namespace carbongate::wire

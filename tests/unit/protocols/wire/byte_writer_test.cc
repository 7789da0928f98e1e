#include "protocols/wire/byte_writer.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace carbongate::wire {
namespace {

TEST(ByteWriter, WritesBigEndianUnlessAskedOtherwise) {
  ByteWriter out(7);
  out.u8(1).u16(0x0203).u16_little_endian(0x0405).bytes(testing::from_hex("0607"));
  EXPECT_EQ(testing::to_hex(*out.take()), "01020305040607");
}

TEST(ByteWriter, KeepsItsLimitAndSaysSo) {
  ByteWriter out(2);
  out.u8(1).u16(2).u8(3);
  EXPECT_EQ(testing::to_hex(out.written()), "01");
  EXPECT_EQ(out.take().error(), make_error_code(Error::overflow));
}

}  // namespace
}  // namespace carbongate::wire

#include "protocols/postgresql/copy_binary.h"

#include <gtest/gtest.h>

#include <limits>
#include <span>

#include "tests/support/hex.h"

namespace carbongate::postgresql {
namespace {

constexpr std::size_t kHeaderBytes = 19;
constexpr std::size_t kTrailerBytes = 2;

// The hex of what one call writes.
template <class Write>
std::string hex_of(Write write) {
  CopyWriter writer;
  write(writer);
  const std::string all = writer.finish();
  const std::string field = all.substr(kHeaderBytes, all.size() - kHeaderBytes - kTrailerBytes);
  return testing::to_hex(std::as_bytes(std::span(field)));
}

std::string numeric(std::int64_t quanta, int scale) {
  return hex_of([&](CopyWriter& out) { out.numeric(quanta, scale); });
}

TEST(CopyBinary, BeginsWithTheSignatureAndEndsWithTheTrailer) {
  CopyWriter writer;
  const std::string data = writer.finish();
  EXPECT_EQ(testing::to_hex(std::as_bytes(std::span(data))),
            "5047434f50590aff0d0a00"
            "00000000"
            "00000000"
            "ffff");
}

TEST(CopyBinary, CountsTheFieldsOfARowAndMarksNull) {
  EXPECT_EQ(hex_of([](CopyWriter& out) {
              out.row(2);
              out.int32(-2);
              out.null();
            }),
            "0002"
            "00000004fffffffe"
            "ffffffff");
}

TEST(CopyBinary, WritesTextsAndJson) {
  EXPECT_EQ(hex_of([](CopyWriter& out) { out.text("冲"); }), "00000003e586b2");
  EXPECT_EQ(hex_of([](CopyWriter& out) { out.text(""); }), "00000000");
  EXPECT_EQ(hex_of([](CopyWriter& out) { out.jsonb("{}"); }), "00000003017b7d");
}

TEST(CopyBinary, WritesFloats) {
  EXPECT_EQ(hex_of([](CopyWriter& out) { out.float8(0.1); }), "000000083fb999999999999a");
  EXPECT_EQ(hex_of([](CopyWriter& out) { out.float8(std::numeric_limits<double>::infinity()); }),
            "000000087ff0000000000000");
}

TEST(CopyBinary, CountsTimeFromTheYear2000) {
  EXPECT_EQ(hex_of([](CopyWriter& out) { out.timestamptz(946'684'800'000); }), "000000080000000000000000");
  EXPECT_EQ(hex_of([](CopyWriter& out) { out.timestamptz(946'684'800'001); }), "0000000800000000000003e8");
  EXPECT_EQ(hex_of([](CopyWriter& out) { out.timestamptz(0); }), "00000008fffca2fec4c82000");
}

// The bytes are those of a PostgreSQL 15 server: SELECT encode(numeric_send(x), 'hex').
TEST(CopyBinary, WritesNumericsAsTheServerSendsThem) {
  EXPECT_EQ(numeric(0, 6), "000000080000000000000006");                            // 0.000000
  EXPECT_EQ(numeric(1250000, 6), "0000000c0002000000000006000109c4");              // 1.250000
  EXPECT_EQ(numeric(-1250000, 6), "0000000c0002000040000006000109c4");             // -1.250000
  EXPECT_EQ(numeric(1, 6), "0000000a0001fffe000000060064");                        // 0.000001
  EXPECT_EQ(numeric(12345678901, 6), "000000100004000100000006000109291a850064");  // 12345.678901
  EXPECT_EQ(numeric(9223372036854775807, 6),
            "000000140006000300000006000908b91c231ac61e4e02bc");  // 9223372036854.775807
  EXPECT_EQ(numeric(std::numeric_limits<std::int64_t>::min(), 6),
            "000000140006000340000006000908b91c231ac61e4e0320");       // -9223372036854.775808
  EXPECT_EQ(numeric(10000000000, 6), "0000000a00010001000000060001");  // 10000.000000
  EXPECT_EQ(numeric(9223372036854775807, 9),
            "000000140006000200000009005c092107f421631d9c1b58");  // 9223372036.854775807
  EXPECT_EQ(numeric(900000, 3), "0000000a00010000000000030384");  // 900.000
  EXPECT_EQ(numeric(42, 0), "0000000a0001000000000000002a");      // 42
  EXPECT_EQ(numeric(500, 3), "0000000a0001ffff000000031388");     // 0.500
  EXPECT_EQ(numeric(-1, 4), "0000000a0001ffff400000040001");      // -0.0001
}

}  // namespace
}  // namespace carbongate::postgresql

#include "drivers/modbus/register_field.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/support/hex.h"

namespace carbongate::modbus_driver {
namespace {

using testing::from_hex;

double decode(RegisterType type, ByteOrder order, std::string_view hex) {
  RegisterField field;
  field.type = type;
  field.order = order;
  return decode_value(field, 0, from_hex(hex)).number;
}

// float_order of tests/unit/protocols/modbus/vectors/spec_examples.json
TEST(RegisterField, ReadsAFloatInEveryOrder) {
  EXPECT_EQ(decode(RegisterType::float32, ByteOrder::abcd, "47 f1 20 00"), 123456.0);
  EXPECT_EQ(decode(RegisterType::float32, ByteOrder::cdab, "20 00 47 f1"), 123456.0);
  EXPECT_EQ(decode(RegisterType::float32, ByteOrder::badc, "f1 47 00 20"), 123456.0);
  EXPECT_EQ(decode(RegisterType::float32, ByteOrder::dcba, "00 20 f1 47"), 123456.0);
}

TEST(RegisterField, ReadsSixtyFourBitsInEveryOrder) {
  const double value = static_cast<double>(0x0102030405060708u);
  EXPECT_EQ(decode(RegisterType::uint64, ByteOrder::abcd, "0102 0304 0506 0708"), value);
  EXPECT_EQ(decode(RegisterType::uint64, ByteOrder::cdab, "0708 0506 0304 0102"), value);
  EXPECT_EQ(decode(RegisterType::uint64, ByteOrder::badc, "0201 0403 0605 0807"), value);
  EXPECT_EQ(decode(RegisterType::uint64, ByteOrder::dcba, "0807 0605 0403 0201"), value);
  EXPECT_EQ(decode(RegisterType::float64, ByteOrder::abcd, "40 93 4a 00 00 00 00 00"), 1234.5);
  EXPECT_EQ(decode(RegisterType::float64, ByteOrder::cdab, "00 00 00 00 4a 00 40 93"), 1234.5);
}

TEST(RegisterField, ReadsSignedAndUnsigned) {
  EXPECT_EQ(decode(RegisterType::int16, ByteOrder::abcd, "ff fe"), -2.0);
  EXPECT_EQ(decode(RegisterType::uint16, ByteOrder::abcd, "ff fe"), 65534.0);
  EXPECT_EQ(decode(RegisterType::int16, ByteOrder::dcba, "fe ff"), -2.0);
  EXPECT_EQ(decode(RegisterType::int16, ByteOrder::cdab, "ff fe"), -2.0);
  EXPECT_EQ(decode(RegisterType::int32, ByteOrder::abcd, "ff ff ff fe"), -2.0);
  EXPECT_EQ(decode(RegisterType::uint32, ByteOrder::abcd, "ff ff ff fe"), 4294967294.0);
  EXPECT_EQ(decode(RegisterType::int64, ByteOrder::abcd, "ff ff ff ff ff ff ff fe"), -2.0);
}

TEST(RegisterField, FindsItselfInALongerAnswer) {
  RegisterField field;
  field.address = 102;
  EXPECT_EQ(decode_value(field, 100, from_hex("0001 0002 0003")).number, 3.0);
}

TEST(RegisterField, ReadsBitsFromTheLowestOfTheFirstByte) {
  RegisterField field;
  field.function = modbus::Function::read_coils;
  field.type = RegisterType::bit;
  const auto data = from_hex("01 02");
  for (std::uint16_t address = 0; address < 16; ++address) {
    field.address = address;
    EXPECT_EQ(decode_value(field, 0, data).number, address == 0 || address == 9 ? 1.0 : 0.0) << address;
  }
}

TEST(RegisterField, KnowsWhatIsNotAvailable) {
  RegisterField field;
  field.type = RegisterType::int32;
  field.not_available = {*BitPattern::parse("0x7FFF????", RegisterType::int32),
                         *BitPattern::parse("0x80000000", RegisterType::int32)};
  const auto availability = [&](const char* hex) { return decode_value(field, 0, from_hex(hex)).availability; };
  EXPECT_EQ(availability("7fff 1234"), Availability::not_available);
  EXPECT_EQ(availability("8000 0000"), Availability::not_available);
  EXPECT_EQ(availability("8000 0001"), Availability::available);
  EXPECT_TRUE(std::isnan(decode_value(field, 0, from_hex("7fff ffff")).number));
}

TEST(RegisterField, TakesNotANumberAsNotAvailable) {
  RegisterField field;
  field.type = RegisterType::float32;
  EXPECT_EQ(decode_value(field, 0, from_hex("7fc0 0000")).availability, Availability::not_available);
  EXPECT_EQ(decode_value(field, 0, from_hex("7f80 0000")).availability,
            Availability::available);  // infinite: judged later
}

TEST(RegisterField, RefusesPatternsOfAnotherWidth) {
  EXPECT_FALSE(BitPattern::parse("0xFFFF", RegisterType::uint32).has_value());
  EXPECT_FALSE(BitPattern::parse("65535", RegisterType::uint16).has_value());
  EXPECT_FALSE(BitPattern::parse("0xGGGG", RegisterType::uint16).has_value());
  EXPECT_TRUE(BitPattern::parse("0Xffff", RegisterType::uint16).has_value());
}

TEST(RegisterField, KnowsTheBytesThatMustHaveBeenSent) {
  std::mt19937_64 random(64);
  for (const RegisterType type :
       {RegisterType::int16, RegisterType::uint16, RegisterType::int32, RegisterType::uint32, RegisterType::int64,
        RegisterType::uint64, RegisterType::float32, RegisterType::float64}) {
    for (const ByteOrder order : {ByteOrder::abcd, ByteOrder::cdab, ByteOrder::badc, ByteOrder::dcba}) {
      for (const char* scale : {"1", "0.1", "-0.001", "40"}) {
        RegisterField field;
        field.type = type;
        field.order = order;
        field.scale = DecimalScale::parse(scale, std::string_view(scale) == "1" ? "0" : "0.5").value();
        for (int round = 0; round < 50; ++round) {
          std::vector<std::byte> sent(words_of(type) * 2);
          for (std::byte& byte : sent) byte = static_cast<std::byte>(random());
          const Value value = decode_value(field, 0, sent);
          if (!std::isfinite(value.number)) continue;
          const auto known = encode_value(field, value.number);
          if (known) EXPECT_EQ(*known, sent) << scale;
          if (words_of(type) < 4 && is_integer(type)) EXPECT_TRUE(known) << "a double holds it: " << value.number;
          if (type == RegisterType::float32 && std::string_view(scale) == "1") EXPECT_TRUE(known);
        }
      }
    }
  }
}

TEST(RegisterField, KeepsTheRegisterOfWhatIsNoNumber) {
  const auto kept = [](RegisterType type, const char* hex, ByteOrder order = ByteOrder::abcd, const char* none = "") {
    RegisterField field;
    field.type = type;
    field.order = order;
    field.scale = DecimalScale::parse("0.1", "3").value();
    if (const auto pattern = BitPattern::parse(none, type)) field.not_available = {*pattern};
    const Value value = decode_value(field, 0, from_hex(hex));
    EXPECT_EQ(value.availability, Availability::not_available);
    EXPECT_TRUE(std::isnan(value.number));
    const auto bytes = encode_value(field, value.number);
    return bytes && *bytes == from_hex(hex);
  };
  EXPECT_TRUE(kept(RegisterType::float32, "42c8 7fc1", ByteOrder::cdab));
  EXPECT_TRUE(kept(RegisterType::float32, "7fa0 0001")) << "also one that signals";
  EXPECT_TRUE(kept(RegisterType::float64, "7ff4 0000 0001 4093"));
  EXPECT_TRUE(kept(RegisterType::uint16, "ffff", ByteOrder::badc, "0xFFFF"));
  EXPECT_TRUE(kept(RegisterType::int32, "8000 0000", ByteOrder::abcd, "0x80000000"));
  EXPECT_FALSE(kept(RegisterType::uint64, "ffff ffff ffff ffff", ByteOrder::abcd, "0xFFFFFFFFFFFFFFFF"))
      << "a double has no room for it";
}

TEST(RegisterField, ClaimsNoBytesForWhatNoRegisterHolds) {
  RegisterField field;
  field.type = RegisterType::uint16;
  EXPECT_FALSE(encode_value(field, 0.5));
  EXPECT_FALSE(encode_value(field, -1));
  EXPECT_FALSE(encode_value(field, 65'536));
  EXPECT_FALSE(encode_value(field, std::nan("")));
  field.type = RegisterType::uint64;
  EXPECT_FALSE(encode_value(field, 0x1p60)) << "sixty-four bits have more digits than a double";
}

}  // namespace
}  // namespace carbongate::modbus_driver

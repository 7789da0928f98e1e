#include "drivers/modbus/decimal_scale.h"

#include <gtest/gtest.h>

namespace carbongate::modbus_driver {
namespace {

double scaled(std::int64_t raw, std::string_view scale, std::string_view offset = "0") {
  return DecimalScale::parse(scale, offset).value().apply(raw);
}

TEST(DecimalScale, GivesTheNumberThatIsWritten) {
  EXPECT_EQ(scaled(2331, "0.1"), 233.1);
  EXPECT_EQ(scaled(374, "0.01"), 3.74);
  EXPECT_EQ(scaled(5003, "1e-2"), 50.03);
  EXPECT_EQ(scaled(-7, "0.001"), -0.007);
  EXPECT_EQ(scaled(12, "1000"), 12000.0);
  EXPECT_EQ(scaled(3, "2.5"), 7.5);
  EXPECT_EQ(scaled(250, "-0.1"), -25.0);
  EXPECT_EQ(scaled(4'294'967'295, "0.001"), 4294967.295);
}

TEST(DecimalScale, IsCorrectlyRoundedForEverySixteenBitValue) {
  for (int raw = 0; raw < 65'536; ++raw) {
    ASSERT_EQ(scaled(raw, "0.01"),
              std::stod(std::to_string(raw / 100) + "." + std::to_string(raw % 100 / 10) + std::to_string(raw % 10)))
        << raw;
  }
}

TEST(DecimalScale, AddsTheOffsetBeforeItRounds) {
  EXPECT_EQ(scaled(651, "0.1", "-40"), 25.1);
  EXPECT_EQ(scaled(1, "1", "0.25"), 1.25);
  EXPECT_EQ(scaled(3, "0.01", "273.15"), 273.18);
}

TEST(DecimalScale, HoldsAllBitsOfLongCounters) {
  EXPECT_EQ(DecimalScale::parse("0.01", "0").value().apply(std::uint64_t{900'719'925'474'099'301}),
            9007199254740993.01);
  EXPECT_EQ(DecimalScale::parse("1", "0").value().apply(std::uint64_t{18'446'744'073'709'551'615u}),
            18446744073709551615.0);
}

TEST(DecimalScale, ScalesFloatsByDivision) {
  EXPECT_EQ(DecimalScale::parse("0.1", "0").value().apply(2301.0), 230.1);
  EXPECT_EQ(DecimalScale().apply(230.5), 230.5);
}

TEST(DecimalScale, RefusesWhatIsNoDecimalNumber) {
  for (const char* text :
       {"", "-", ".", "1/3", "0.1x", "0", "0.00", "1e", "1e99", "nan", "0x10", "1234567890123456", "1e-18x"}) {
    EXPECT_FALSE(DecimalScale::parse(text, "0").has_value()) << text;
  }
  EXPECT_FALSE(DecimalScale::parse("1e-10", "1000000").has_value());
  EXPECT_TRUE(DecimalScale::parse("1", "0").has_value());
}

}  // namespace
}  // namespace carbongate::modbus_driver

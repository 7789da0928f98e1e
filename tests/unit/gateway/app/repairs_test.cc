#include "gateway/app/repairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "drivers/api/kept_bits.h"

namespace carbongate::app {
namespace {

using Type = ByteRepair::Type;

TEST(ByteRepair, FindsTheFloatThatTheWordsWere) {
  const ByteRepair repair{.type = Type::float32, .was = "cdab", .is = "abcd"};
  for (const float right : {1234.5F, 0.1F, 98765.43F, -3.25F}) {
    const auto bits = std::bit_cast<std::uint32_t>(right);
    const float wrong = std::bit_cast<float>((bits << 16) | (bits >> 16));
    if (!std::isfinite(wrong)) continue;
    ASSERT_EQ(repair(wrong), std::optional<double>(right)) << right;
  }
}

TEST(ByteRepair, KnowsTheScaleOfIntegers) {
  const ByteRepair repair{.type = Type::uint32, .was = "cdab", .is = "abcd", .scale = 0.01};
  EXPECT_DOUBLE_EQ(repair(0x0002'0001 * 0.01).value(), 0x0001'0002 * 0.01);
  const ByteRepair swapped{.type = Type::int16, .was = "badc", .is = "abcd", .scale = 0.1};
  EXPECT_DOUBLE_EQ(swapped(0x0100 * 0.1).value(), 0.1);
  EXPECT_DOUBLE_EQ(swapped(static_cast<std::int16_t>(0xFFFE) * 0.1).value(), static_cast<std::int16_t>(0xFEFF) * 0.1);
}

TEST(ByteRepair, RefusesWhatNoRegisterGives) {
  const ByteRepair repair{.type = Type::uint16, .was = "badc", .is = "abcd"};
  EXPECT_EQ(repair(65'536), std::nullopt);
  EXPECT_EQ(repair(-1), std::nullopt);
  EXPECT_EQ(repair(1.5), std::nullopt);
  const ByteRepair floats{.type = Type::float32, .was = "cdab", .is = "abcd"};
  EXPECT_EQ(floats(0.1), std::nullopt) << "a double that is no float";
  EXPECT_EQ(floats(std::bit_cast<float>(0x0000'7FC0)), std::nullopt) << "NaN in the right order";
}

std::uint64_t words_reversed(std::uint64_t bits) {
  return bits << 48 | (bits & 0xFFFF'0000) << 16 | (bits >> 16 & 0xFFFF'0000) | bits >> 48;
}

TEST(ByteRepair, FindsTheCounterOf64BitsThoughADoubleDoesNotHoldItsDigits) {
  const ByteRepair repair{.type = Type::uint64, .was = "cdab", .is = "abcd", .scale = 0.001};
  for (const std::uint64_t right : {0x1ULL, 0x12345ULL, 0xFFFF'FFFFULL, 0x1234'5678'9ABCULL, 0xFFFF'FFFF'FFFFULL}) {
    const double wrong = static_cast<double>(words_reversed(right)) * 0.001;
    ASSERT_EQ(repair(wrong), std::optional(static_cast<double>(right) * 0.001)) << right;
  }
  const ByteRepair plain{.type = Type::uint64, .was = "cdab", .is = "abcd"};
  EXPECT_EQ(plain(0x1p60), std::optional(0x1000 * 1.0));
  EXPECT_EQ(plain(-1), std::nullopt);
  EXPECT_EQ(plain(0x1p64), std::nullopt) << "no register";
  const ByteRepair swapped{.type = Type::uint64, .was = "badc", .is = "abcd"};
  EXPECT_EQ(swapped(0x0100), std::optional(1.0));
  EXPECT_EQ(swapped(0x1p60), std::nullopt) << "the right one would be beyond 2^48, and not the only one";
}

TEST(ByteRepair, KnowsNegativeNumbersOf64Bits) {
  const ByteRepair repair{.type = Type::int64, .was = "badc", .is = "abcd"};
  EXPECT_EQ(repair(static_cast<double>(static_cast<std::int64_t>(0xFFFF'FFFF'FFFF'FEFF))), std::optional(-2.0));
  const ByteRepair words{.type = Type::int64, .was = "cdab", .is = "abcd"};
  EXPECT_EQ(words(static_cast<double>(static_cast<std::int64_t>(0xFFFE'0000'0000'0000))), std::optional(65'534.0));
}

TEST(ByteRepair, FindsTheDoubleThatTheWordsWere) {
  const ByteRepair repair{.type = Type::float64, .was = "cdab", .is = "abcd"};
  for (const double right : {1234.5, 98765.4321, -3.25, 1e9 + 0.125}) {
    const double wrong = std::bit_cast<double>(words_reversed(std::bit_cast<std::uint64_t>(right)));
    ASSERT_EQ(repair(wrong), std::optional(right)) << right;
  }
  const ByteRepair scaled{.type = Type::float64, .was = "dcba", .is = "badc", .scale = 2};
  const double wrong = std::bit_cast<double>(words_reversed(std::bit_cast<std::uint64_t>(0.5)));
  EXPECT_EQ(scaled(2 * wrong), std::optional(1.0));
}

// What the register said when it was taken for no number.
TEST(ByteRepair, FindsWhatStoodInARegisterThatWasNoNumber) {
  const ByteRepair floats{.type = Type::float32, .was = "cdab", .is = "abcd"};
  EXPECT_EQ(floats(nan_that_keeps(0x8000'7FC0)), std::nullopt) << "a float that is no number in either order";
  const auto right = std::bit_cast<float>(0x42C8'7FC1U);
  EXPECT_EQ(floats(nan_that_keeps(0x7FC1'42C8)), std::optional<double>(right));
  EXPECT_EQ(floats(std::numeric_limits<float>::infinity()), std::optional<double>(std::bit_cast<float>(0x0000'7F80U)));
  EXPECT_EQ(floats(std::nan("")), std::nullopt) << "nothing was kept";
  const ByteRepair whole{.type = Type::int32, .was = "cdab", .is = "abcd", .scale = 0.1};
  EXPECT_EQ(whole(nan_that_keeps(0x8000'0000)), std::optional(3276.8));
  const ByteRepair doubles{.type = Type::float64, .was = "cdab", .is = "abcd"};
  const double number = std::bit_cast<double>(0x4093'4A00'0001'7FF4U);
  EXPECT_EQ(doubles(std::bit_cast<double>(words_reversed(std::bit_cast<std::uint64_t>(number)))),
            std::optional(number));
}

TEST(Repairs, AreReadWithTheirTimes) {
  const auto read = [](const char* yaml, config::Problems& problems) {
    const config::Node root = config::parse_text(yaml, "site.yaml", problems);
    config::Reader in(root, problems);
    const std::vector<Point> points{{.id = PointId{0}, .device = "press", .name = "energy", .unit = {}, .limits = {}}};
    return read_repairs(in, points, "Asia/Shanghai");
  };
  config::Problems problems;
  const auto repairs = read(
      "repairs: [{point: press.energy, from: 2026-03-01, until: 2026-03-02T12:00, scale: 10, reason: CT}]", problems);
  EXPECT_FALSE(problems.has_errors()) << problems.to_text();
  ASSERT_EQ(repairs.size(), 1u);
  EXPECT_EQ(repairs[0](12.5), std::optional(125.0));
  EXPECT_TRUE(repairs[0].covers(Instant(std::chrono::milliseconds(1'772'294'400'000))));  // midnight in Shanghai
  EXPECT_FALSE(repairs[0].covers(Instant(std::chrono::milliseconds(1'772'294'399'999))));
  EXPECT_FALSE(repairs[0].covers(Instant(std::chrono::milliseconds(1'772'424'000'000))));

  read(
      "repairs: [{point: press.enrgy, from: soon, reason: x}, {point: press.energy, from: 2026-03-02, until: "
      "2026-03-01, "
      "byte_order: {was: abcd, is: abcd, type: float46}}]",
      problems);
  for (const char* text :
       {"did you mean 'press.energy'", "'soon' is not a time", "nothing to repair", "not after 'from'",
        "the same as 'was'", "did you mean 'float64'", "repairs[1].reason: missing"}) {
    EXPECT_THAT(problems.to_text(), ::testing::HasSubstr(text));
  }
}

}  // namespace
}  // namespace carbongate::app

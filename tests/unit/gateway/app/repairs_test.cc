#include "gateway/app/repairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

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
      "byte_order: {was: abcd, is: abcd, type: float64}}]",
      problems);
  for (const char* text : {"did you mean 'press.energy'", "'soon' is not a time", "nothing to repair",
                           "not after 'from'", "the same as 'was'", "float64", "repairs[1].reason: missing"}) {
    EXPECT_THAT(problems.to_text(), ::testing::HasSubstr(text));
  }
}

}  // namespace
}  // namespace carbongate::app

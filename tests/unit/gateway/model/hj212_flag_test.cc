#include "gateway/model/hj212_flag.h"

#include <gtest/gtest.h>

namespace carbongate::model {
namespace {

TEST(Hj212Flag, EveryFlagComesBackAsItself) {
  for (const char flag : {'N', 'F', 'M', 'S', 'D', 'C', 'T', 'B'}) {
    const auto quality = from_hj212_flag(flag);
    ASSERT_TRUE(quality) << flag;
    EXPECT_EQ(to_hj212_flag(*quality), flag);
  }
  for (const char other : {'n', 'X', ' ', '\0'}) EXPECT_FALSE(from_hj212_flag(other)) << other;
}

TEST(Hj212Flag, EveryQualityHasAFlagAndOnlyMeasuredValuesAreNormal) {
  for (int origin = 0; origin <= static_cast<int>(Origin::missing); ++origin) {
    for (std::size_t rule = 0; rule < kRuleCount; ++rule) {
      const Quality quality{static_cast<Origin>(origin), static_cast<Rule>(rule)};
      const char flag = to_hj212_flag(quality);
      EXPECT_TRUE(from_hj212_flag(flag)) << origin << " " << rule;
      EXPECT_EQ(valid(quality), flag == 'N' || flag == 'F') << origin << " " << rule;
    }
  }
}

TEST(Hj212Flag, IsFoundAgainInAStoredReading) {
  EXPECT_EQ(flag_said({}), kNoFlag);
  for (const char flag : {'F', 'M', 'S', 'D', 'C', 'T', 'B'}) EXPECT_EQ(flag_said(*from_hj212_flag(flag)), flag);
  EXPECT_EQ(flag_said({Origin::missing, Rule::unknown_flag}), kUnknownFlag);
  EXPECT_EQ(flag_said({Origin::manual, Rule::out_of_order}), 'S');
  EXPECT_EQ(flag_said({Origin::measured, Rule::out_of_order}), 'F');
  EXPECT_EQ(flag_said({Origin::late, Rule::stopped}), 'F');
  EXPECT_EQ(to_hj212_flag({Origin::late, Rule::stopped}), 'F');
  EXPECT_EQ(to_hj212_flag({Origin::late, Rule::out_of_order}), 'N');
  EXPECT_EQ(flag_said({Origin::late, Rule::out_of_order}), kNoFlag);
  // Judged by us, not marked by the instrument.
  for (const Quality ours : {Quality{Origin::missing, Rule::range}, Quality{Origin::missing, Rule::not_a_number},
                             Quality{Origin::estimated, Rule::gap}, Quality{Origin::late, Rule::stale}}) {
    EXPECT_EQ(flag_said(ours), kNoFlag);
  }
}

TEST(Hj212Flag, IsKeptWhileNobodyKnowsTheTime) {
  for (const bool by_device : {false, true}) {
    for (const char flag : {'F', 'S', kNoFlag}) {
      const Quality kept{Origin::missing, unknown_time_rule(by_device, flag)};
      EXPECT_TRUE(time_unknown(kept.rule));
      EXPECT_FALSE(stamp_believed(kept));
      EXPECT_EQ(flag_said(kept), flag);
    }
    EXPECT_EQ(unknown_time_rule(by_device, 'N'), by_device ? Rule::device_clock : Rule::clock);
  }
  EXPECT_NE(unknown_time_rule(false, 'S'), unknown_time_rule(true, 'S'));
}

}  // namespace
}  // namespace carbongate::model

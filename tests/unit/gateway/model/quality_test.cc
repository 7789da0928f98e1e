#include "gateway/model/quality.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "gateway/model/rows.h"

namespace carbongate::model {
namespace {

TEST(Quality, ASumIsAsGoodAsItsWorstPart) {
  const Quality good;
  const Quality late{Origin::late, Rule::stale};
  const Quality missing{Origin::missing, Rule::gap};
  EXPECT_EQ(worse(good, late), late);
  EXPECT_EQ(worse(late, good), late);
  EXPECT_EQ(worse(late, missing), missing);
}

TEST(Quality, OfTwoEquallyGoodOnesTheFirstThatNamesARuleStays) {
  const Quality plain;
  const Quality rollover{Origin::measured, Rule::rollover};
  const Quality glitch{Origin::measured, Rule::glitch};
  EXPECT_EQ(worse(plain, rollover), rollover);
  EXPECT_EQ(worse(rollover, plain), rollover);
  EXPECT_EQ(worse(rollover, glitch), rollover);
}

TEST(Quality, WhatLeavesAnAmountUnknownIsToldBeforeWhatIsOnlyEstimated) {
  const Quality pending{Origin::estimated, Rule::pending};
  const Quality replaced{Origin::estimated, Rule::replaced};
  const Quality reset{Origin::estimated, Rule::reset};
  EXPECT_EQ(worse(pending, replaced), replaced) << "the loss came second";
  EXPECT_EQ(worse(replaced, pending), replaced);
  EXPECT_EQ(worse(replaced, reset), replaced) << "both are losses";
  EXPECT_EQ(worse(pending, Quality{Origin::measured, Rule::replaced}), pending) << "announced: nothing is lost";
  EXPECT_EQ(worse(Quality{Origin::measured, Rule::rollover}, Quality{Origin::measured, Rule::reset}),
            (Quality{Origin::measured, Rule::rollover}))
      << "both are exact";
}

TEST(Quality, TheLackOfAFactorIsToldBesideWhateverElseIsWrong) {
  const Quality gap{Origin::missing, Rule::gap};
  const Quality no_factor{Origin::missing, Rule::no_factor};
  const Quality no_coal{Origin::measured, Rule::no_coal_factor};
  const Quality no_market{Origin::measured, Rule::no_market_factor};
  EXPECT_EQ(worse(gap, no_factor), no_factor) << "the gap came first";
  EXPECT_EQ(worse(no_factor, gap), no_factor);
  EXPECT_EQ(worse(no_coal, Quality{Origin::estimated, Rule::stalled}),
            (Quality{Origin::estimated, Rule::no_coal_factor}));
  EXPECT_EQ(worse(Quality{Origin::measured, Rule::rollover}, no_market), no_market);
  EXPECT_EQ(worse(no_market, no_coal), no_coal);
  EXPECT_EQ(worse(no_coal, no_factor), no_factor);
}

TEST(Quality, OnlyMissingIsUnusable) {
  EXPECT_TRUE(usable({Origin::manual, Rule::none}));
  EXPECT_FALSE(usable({Origin::missing, Rule::none}));
}

TEST(Quality, EveryRuleHasANameOfItsOwn) {
  std::set<std::string_view> names;
  std::size_t known = 0;
  for (std::size_t i = 0; i < kRuleCount; ++i) {
    if (!is_known(static_cast<Rule>(i))) continue;
    ++known;
    names.insert(to_string(static_cast<Rule>(i)));
  }
  EXPECT_GE(known, 18u);
  EXPECT_EQ(names.size(), known);
  EXPECT_EQ(to_string(Rule::none), "");
  EXPECT_EQ(to_string(static_cast<Rule>(kRuleCount)), "unknown");
}

TEST(Quality, NumbersOfRulesAreStoredAndDoNotChange) {
  EXPECT_EQ(static_cast<int>(Rule::range), 3);
  EXPECT_EQ(static_cast<int>(Rule::reset), 10);
  EXPECT_EQ(static_cast<int>(Rule::no_factor), 13);
  EXPECT_EQ(static_cast<int>(Rule::replaced), 14);
  EXPECT_EQ(static_cast<int>(Rule::ratio_change), 15);
  EXPECT_EQ(static_cast<int>(Rule::backwards), 16);
  EXPECT_EQ(static_cast<int>(Rule::stalled), 17);
  EXPECT_EQ(static_cast<int>(Origin::missing), 5);
}

TEST(Quality, PeriodsAreNamed) {
  EXPECT_EQ(to_string(Period::quarter_hour), "15min");
  EXPECT_EQ(to_string(Period::year), "year");
}

}  // namespace
}  // namespace carbongate::model

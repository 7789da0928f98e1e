#include "gateway/model/stated.h"

#include <gtest/gtest.h>

namespace carbongate::model {
namespace {

Emission emission(std::int64_t co2e, std::int64_t activity, std::int64_t factor, std::string id = "cn-grid/CN/x/2023") {
  Emission made{.emitted = {}, .factor_id = std::move(id), .factor_version = "1"};
  made.emitted.co2e = Co2e::of(co2e);
  made.emitted.u95_activity = Co2e::of(activity);
  made.emitted.u95_factor = Co2e::of(factor);
  return made;
}

TEST(Stated, TellsWhichHalfWidthsMeanSomething) {
  EXPECT_EQ(stated(emission(100, 1, 2), Scope::energy), Stated::all);
  EXPECT_EQ(stated(emission(100, 1, 0), Scope::energy), Stated::part);
  EXPECT_EQ(stated(emission(100, 0, 2), Scope::energy), Stated::part);
  EXPECT_EQ(stated(emission(100, 0, 0), Scope::energy), Stated::none);
  EXPECT_EQ(stated(emission(0, 0, 0), Scope::energy), Stated::all) << "by its factor it emits nothing";
}

TEST(Stated, IsNothingOfWhatHasNoFactor) {
  EXPECT_EQ(stated(emission(0, 0, 0, ""), Scope::energy), Stated::none);
  EXPECT_EQ(stated(emission(0, 0, 0, ""), Scope::direct), Stated::none);
  EXPECT_EQ(stated(emission(0, 0, 0, ""), Scope::none), Stated::all) << "has no emission of its own";
  EXPECT_EQ(stated(emission(-100, -1, -2, ""), Scope::energy), Stated::all) << "takes back what a factor gave";
}

TEST(Stated, OfASumThatHoldsWhatHasNoFactorIsNeverAll) {
  constexpr Quality kNoFactor{Origin::missing, Rule::no_factor};
  EXPECT_EQ(stated(emission(100, 1, 2).emitted, Quality{}), Stated::all);
  EXPECT_EQ(stated(emission(100, 1, 2).emitted, kNoFactor), Stated::part);
  EXPECT_EQ(stated(emission(100, 0, 0).emitted, kNoFactor), Stated::none);
  EXPECT_EQ(stated(emission(0, 0, 0).emitted, kNoFactor), Stated::none);
  EXPECT_EQ(stated(emission(0, 0, 0).emitted, Quality{}), Stated::all);
}

TEST(Stated, OfWhatNoMeterMeasuredIsNeverAll) {
  for (const Origin origin : {Origin::substituted, Origin::manual}) {
    EXPECT_EQ(stated(emission(100, 1, 2).emitted, Quality{origin, Rule::none}), Stated::part);
    EXPECT_EQ(stated(emission(100, 0, 0).emitted, Quality{origin, Rule::none}), Stated::none);
    EXPECT_EQ(stated(emission(0, 0, 0).emitted, Quality{origin, Rule::none}), Stated::all);
  }
}

}  // namespace
}  // namespace carbongate::model

#include "gateway/model/uncertainty.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace carbongate::model {
namespace {

TEST(Uncertainty, OfAMeterWithItsTransformersIsTheReferenceVector) {
  // 0.5S, CT 0.2, PT 0.2, all rectangular: u = 0.3317 %, U = 0.663 %; with a factor of u = 2.5 %: 2.522 %.
  const double u = std::hypot(rectangular(0.5), rectangular(0.2), rectangular(0.2));
  EXPECT_NEAR(u, 0.3317, 0.00005);
  EXPECT_NEAR(std::hypot(u, 2.5), 2.522, 0.0005);
  const MeterChain chain{.meter_ppm = find_meter_class("0.5S")->limit_ppm, .ct_ppm = 2'000, .pt_ppm = 2'000};
  EXPECT_EQ(chain.u95_ppm(), 6'633);  // 0.6633 %
  EXPECT_NEAR(2 * u * 10'000, chain.u95_ppm(), 0.5);
}

TEST(Uncertainty, OfAChainIsRoundedToNearest) {
  for (std::int32_t meter = 0; meter < 2'000; meter += 7) {
    for (std::int32_t ct = 0; ct < 50; ++ct) {
      const MeterChain chain{.meter_ppm = meter, .ct_ppm = ct, .extra_ppm = 3};
      const double exact = 2 * std::sqrt((static_cast<double>(meter) * meter + static_cast<double>(ct) * ct + 9) / 3.0);
      EXPECT_NEAR(chain.u95_ppm(), exact, 0.5 + 1e-9) << meter << " " << ct;
    }
  }
  EXPECT_EQ(MeterChain{}.u95_ppm(), 0);
}

TEST(Uncertainty, KnowsTheClassesOfMetersByTheirNames) {
  EXPECT_EQ(find_meter_class("0.2S")->limit_ppm, 2'000);
  EXPECT_EQ(find_meter_class("0.5S")->limit_light_ppm, 10'000);
  EXPECT_EQ(find_meter_class("1"), find_meter_class("1.0"));
  EXPECT_EQ(find_meter_class("2.0")->limit_light_ppm, 25'000);
  EXPECT_EQ(find_meter_class("C")->limit_ppm, 5'000);
  EXPECT_EQ(find_meter_class("gas")->limit_ppm, 20'000);
  EXPECT_EQ(find_meter_class("steam")->limit_ppm, 25'000);
  EXPECT_EQ(find_meter_class("water-large")->limit_ppm, 15'000);
  EXPECT_EQ(find_meter_class("solid-static")->limit_ppm, 1'000);
  EXPECT_EQ(find_meter_class("0.5s"), nullptr);
  EXPECT_EQ(find_meter_class(""), nullptr);
  std::set<std::string_view> ids;
  for (const MeterClass& one : meter_classes()) {
    EXPECT_TRUE(ids.insert(one.id).second) << one.id;
    EXPECT_GE(one.limit_light_ppm, one.limit_ppm) << one.id;
  }
}

TEST(Quadrature, IsTheRootOfTheSumOfSquaresRoundedToNearest) {
  const auto root = [](std::initializer_list<std::int64_t> parts) {
    Quadrature sum;
    for (const std::int64_t part : parts) sum.add(part);
    return sum.root();
  };
  EXPECT_EQ(root({}), 0);
  EXPECT_EQ(root({3, 4}), 5);
  EXPECT_EQ(root({-3, 4}), 5);
  EXPECT_EQ(root({1, 1}), 1);     // 1.414
  EXPECT_EQ(root({1, 1, 1}), 2);  // 1.732
  EXPECT_EQ(root({2, 1, 1}), 2);  // 2.449
  EXPECT_EQ(root({30'000'000'000, 40'000'000'000}), 50'000'000'000);
  EXPECT_EQ(root({999'999'999'999'999'999}), 999'999'999'999'999'999);
}

TEST(Quadrature, StaysAtTheLargestNumberBeyond64Bits) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  Quadrature sum;
  sum.add(kMax);
  EXPECT_EQ(sum.root(), kMax);
  for (int i = 0; i < 10; ++i) sum.add(std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(sum.root(), kMax);
}

}  // namespace
}  // namespace carbongate::model

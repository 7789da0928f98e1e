#include "deploy/demo/load_curve.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <stdexcept>

namespace carbongate::demo {
namespace {

using namespace std::chrono_literals;

constexpr double kGap = std::numeric_limits<double>::quiet_NaN();

class TableTest : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& text) {
    std::ofstream(file_) << text;
    return file_;
  }
  void TearDown() override { std::filesystem::remove(file_); }

 private:
  const std::filesystem::path file_ =
      std::filesystem::path(testing::TempDir()) /
      (std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + ".csv");
};

TEST_F(TableTest, ReadsColumnsByNameAndGapsAsNotANumber) {
  const Table table = Table::load(write("time,kWh\n00:15,3.17\n00:30,\n"));
  ASSERT_EQ(table.rows(), 2U);
  const std::vector<double> energy = table.column("kWh");
  EXPECT_EQ(energy[0], 3.17);
  EXPECT_TRUE(std::isnan(energy[1]));
}

TEST_F(TableTest, RefusesWhatItCannotRead) {
  EXPECT_THROW(Table::load("/nonexistent.csv"), std::runtime_error);
  EXPECT_THROW(Table::load(write("a,b\n1\n")), std::runtime_error);
  EXPECT_THROW(Table::load(write("a,b\n1,x\n")).column("b"), std::runtime_error);
  EXPECT_THROW(Table::load(write("a,b\n1,2\n")).column("c"), std::runtime_error);
}

TEST(LoadCurve, TurnsEnergyIntoTheAveragePowerOfItsStep) {
  const LoadCurve curve = LoadCurve::from_energy_kwh({1.0, 2.5}, 15min);
  EXPECT_DOUBLE_EQ(curve.power_kw(0s), 4.0);
  EXPECT_DOUBLE_EQ(curve.power_kw(15min - 1s), 4.0);
  EXPECT_DOUBLE_EQ(curve.power_kw(15min), 10.0);
  EXPECT_DOUBLE_EQ(curve.energy_kwh(), 3.5);
}

TEST(LoadCurve, BeginsAgainAfterItsEnd) {
  const LoadCurve curve = LoadCurve::from_energy_kwh({1.0, 2.0, 3.0}, 1h);
  EXPECT_DOUBLE_EQ(curve.power_kw(3h), 1.0);
  EXPECT_DOUBLE_EQ(curve.power_kw(3h * 1'000'000 + 2h), 3.0);
}

TEST(LoadCurve, SpreadsWhatAGapHidEvenlyOverIt) {
  const LoadCurve curve = LoadCurve::from_counter_kwh({10.0, 12.0, kGap, kGap, 18.0, 18.5}, 1h);
  EXPECT_EQ(curve.steps(), 5U);
  EXPECT_DOUBLE_EQ(curve.power_kw(0h), 2.0);
  for (const auto hour : {1h, 2h, 3h}) EXPECT_DOUBLE_EQ(curve.power_kw(hour), 2.0);
  EXPECT_DOUBLE_EQ(curve.power_kw(4h), 0.5);
  EXPECT_DOUBLE_EQ(curve.energy_kwh(), 8.5);
}

TEST(LoadCurve, KnowsNothingBeforeTheFirstAndAfterTheLastValueOfACounter) {
  const LoadCurve curve = LoadCurve::from_counter_kwh({kGap, 5.0, 6.0, kGap}, 1h);
  EXPECT_DOUBLE_EQ(curve.power_kw(0h), 0.0);
  EXPECT_DOUBLE_EQ(curve.power_kw(1h), 1.0);
  EXPECT_DOUBLE_EQ(curve.power_kw(2h), 0.0);
}

TEST(LoadCurve, IsNotEmpty) {
  EXPECT_THROW(LoadCurve::from_energy_kwh({}, 1h), std::runtime_error);
  EXPECT_THROW(LoadCurve::from_counter_kwh({1.0}, 1h), std::runtime_error);
}

}  // namespace
}  // namespace carbongate::demo

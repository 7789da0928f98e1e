#include "deploy/demo/park.h"

#include <gtest/gtest.h>

#include "deploy/demo/messages.h"
#include "deploy/demo/register_image.h"

namespace carbongate::demo {
namespace {

using namespace std::chrono_literals;

const std::filesystem::path kData = std::filesystem::path(CARBONGATE_SOURCE_DIR) / "deploy/demo/data";
constexpr auto kWorkingMorning = 24h * 168 + 9h;
constexpr double kQuarterHourPerSecond = 900.0;

TEST(RecordedYears, AddUpToWhatWasPublished) {
  const Table steel = Table::load(kData / "steel_industry_2018_15min.csv.gz");
  ASSERT_EQ(steel.rows(), 35'040U);
  EXPECT_NEAR(LoadCurve::from_energy_kwh(steel.column("Usage_kWh"), 15min).energy_kwh(), 959'636.71, 0.01);

  const Table household = Table::load(kData / "opsd_household_residential4_2016_60min.csv.gz");
  ASSERT_EQ(household.rows(), 8'785U);
  EXPECT_NEAR(LoadCurve::from_counter_kwh(household.column("DE_KN_residential4_pv"), 1h).energy_kwh(),
              12'134.881 - 1'133.900, 0.001);
}

TEST(Park, ShopsAndDormitoryAddUpToTheIncomerAtEveryMoment) {
  Park park(kData, 0s, kQuarterHourPerSecond);
  for (int quarter = 0; quarter < 4 * 24 * 7; ++quarter) {
    const double parts = park.rolling_shop().active_kw() + park.press_shop().active_kw() +
                         park.air_station().active_kw() + park.dormitory().active_kw();
    ASSERT_NEAR(park.incomer().active_kw(), parts, 1e-9);
    park.advance(1s);
  }
}

TEST(Park, CountsThePowerThatItShowedOverRealTime) {
  Park park(kData, kWorkingMorning, kQuarterHourPerSecond);
  const double before = park.rolling_shop().import_kwh();
  const double volume_before = park.furnace().volume_nm3();
  double energy_kwh = 0.0;
  double volume_nm3 = 0.0;
  for (int tick = 0; tick < 600; ++tick) {
    energy_kwh += park.rolling_shop().active_kw() * 0.1 / 3600.0;
    volume_nm3 += park.furnace().flow_nm3_per_h() * 0.1 / 3600.0;
    park.advance(100ms);
  }
  EXPECT_GT(energy_kwh, 0.5);
  EXPECT_NEAR(park.rolling_shop().import_kwh() - before, energy_kwh, 1e-6);
  EXPECT_NEAR(park.furnace().volume_nm3() - volume_before, volume_nm3, 1e-6);
}

TEST(Park, FeedsInWhenTheSunGivesMoreThanTheDormitoryTakes) {
  Park park(kData, 24h * 168 + 12h, kQuarterHourPerSecond);
  EXPECT_GT(park.solar_roofs().active_kw(), 50.0);
  EXPECT_LT(park.dormitory().active_kw(), 0.0);
  const double import_before = park.dormitory().import_kwh();
  const double export_before = park.dormitory().export_kwh();
  park.advance(1s);
  EXPECT_EQ(park.dormitory().import_kwh(), import_before);
  EXPECT_GT(park.dormitory().export_kwh(), export_before);
}

TEST(RegisterImage, HoldsFloatsHighWordFirst) {
  RegisterImage image = make_eastron_sdm630();
  image.set_float32(72, 1.0);  // 0x3F800000
  EXPECT_EQ(image.mapping()->tab_input_registers[72], 0x3F80);
  EXPECT_EQ(image.mapping()->tab_input_registers[73], 0x0000);
}

TEST(RegisterImage, CarriesScaledNumbersOnAChint) {
  ElectricMeter meter(450.0);
  meter.set_load(28.16, 0.0);
  RegisterImage image = make_chint_dtsu666();
  show_on_chint_dtsu666(meter, image);
  const std::uint16_t* power = image.mapping()->tab_registers + (8210 - 4126);
  EXPECT_EQ(power[0], 0x4889);  // 281600.0: tenths of a watt
  EXPECT_EQ(power[1], 0x8000);
}

TEST(Messages, AreWhatTheMetersPublish) {
  ElectricMeter meter(250.0, 196.708);
  meter.set_load(2.629, 0.288);
  const WallTime noon{std::chrono::sys_days(std::chrono::November / 21 / 2026) + 12h + 345ms};
  const std::string tasmota = tasmota_sensor(meter, noon);
  EXPECT_NE(tasmota.find(R"("ENERGY":{"TotalStartTime":"2025-01-01T00:00:00","Total":196.708,"Power":2629,)"),
            std::string::npos)
      << tasmota;
  EXPECT_EQ(flat_meter(meter, noon),
            R"({"ts":1795262400345,"power_kw":2.629,"energy_kwh":196.7080,"power_factor":0.994})");
  EXPECT_EQ(two_way_meter(meter, noon),
            R"({"time":1795262400.345,"power_w":2629.0,"import_kwh":196.7080,"export_kwh":0.0000})");
  GasMeter gas(3412.75);
  gas.set_flow(4.0);
  EXPECT_EQ(gas_meter(gas, noon), R"({"time":"2026-11-21T12:00:00.345Z","flow_nm3h":4.000,"volume_nm3":3412.75000})");
}

}  // namespace
}  // namespace carbongate::demo

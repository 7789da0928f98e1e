#include "deploy/demo/park.h"

#include <algorithm>

namespace carbongate::demo {
namespace {

using namespace std::chrono_literals;

constexpr double kRollingShopShare = 0.55;
constexpr double kPressShopShare = 0.30;
constexpr double kAirStationShare = 0.15;
constexpr double kHouseholds = 20.0;

// The furnace has no recorded year of its own: a pilot flame, and gas in proportion to what is rolled. Chosen by us.
constexpr double kPilotNm3PerHour = 4.0;
constexpr double kGasNm3PerKwh = 0.12;

LoadCurve steel(const std::filesystem::path& data, const char* column) {
  return LoadCurve::from_energy_kwh(Table::load(data / "steel_industry_2018_15min.csv.gz").column(column), 15min);
}

LoadCurve household(const std::filesystem::path& data, const char* column) {
  return LoadCurve::from_counter_kwh(Table::load(data / "opsd_household_residential4_2016_60min.csv.gz").column(column),
                                     1h);
}

}  // namespace

Park::Park(const std::filesystem::path& data, std::chrono::seconds begin, double speed)
    : steel_kw_(steel(data, "Usage_kWh")),
      steel_lagging_kvar_(steel(data, "Lagging_Current_Reactive_Power_kVarh")),
      steel_leading_kvar_(steel(data, "Leading_Current_Reactive_Power_kVarh")),
      household_import_kw_(household(data, "DE_KN_residential4_grid_import")),
      household_export_kw_(household(data, "DE_KN_residential4_grid_export")),
      household_solar_kw_(household(data, "DE_KN_residential4_pv")),
      position_(begin),
      speed_(speed) {
  set_loads();
}

void Park::advance(std::chrono::duration<double> elapsed) {
  for (ElectricMeter* meter : {&incomer_, &rolling_shop_, &press_shop_, &air_station_, &dormitory_, &solar_roofs_}) {
    meter->advance(elapsed);
  }
  furnace_.advance(elapsed);
  position_ += elapsed * speed_;
  set_loads();
}

void Park::set_loads() {
  const double steel_kw = steel_kw_.power_kw(position_);
  const double steel_kvar = steel_lagging_kvar_.power_kw(position_) - steel_leading_kvar_.power_kw(position_);
  // Within one recorded hour a household both drew and fed in; at any one moment it does one of the two.
  const double dormitory_kw =
      kHouseholds * (household_import_kw_.power_kw(position_) - household_export_kw_.power_kw(position_));

  rolling_shop_.set_load(kRollingShopShare * steel_kw, kRollingShopShare * steel_kvar);
  press_shop_.set_load(kPressShopShare * steel_kw, kPressShopShare * steel_kvar);
  air_station_.set_load(kAirStationShare * steel_kw, kAirStationShare * steel_kvar);
  dormitory_.set_load(dormitory_kw, 0.0);
  solar_roofs_.set_load(kHouseholds * household_solar_kw_.power_kw(position_), 0.0);
  incomer_.set_load(steel_kw + dormitory_kw, steel_kvar);
  furnace_.set_flow(kPilotNm3PerHour + kGasNm3PerKwh * kRollingShopShare * steel_kw);
}

}  // namespace carbongate::demo

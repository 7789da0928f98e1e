// The simulated park: a real steel plant's year and a real solar household's year, behind the meters of a small park.
//
//   grid ── incomer ─┬─ rolling shop   55 % of the steel plant's load; its furnace burns gas in step with it
//                    ├─ press shop     30 %
//                    ├─ air station    15 %
//                    └─ dormitory      20 households like the recorded one, each with its solar roof
//
// The load curves run `speed` times faster than the clock: at 900, each second brings the next quarter hour. Powers are
// the recorded kilowatts, and the counters integrate them over real seconds. So whoever integrates what is shown gets
// what the counters say.
#pragma once

#include <chrono>
#include <filesystem>

#include "deploy/demo/load_curve.h"
#include "deploy/demo/meter.h"

namespace carbongate::demo {

class Park {
 public:
  // `data` is the folder with the two years. `begin` is the position in the year at which the play begins.
  Park(const std::filesystem::path& data, std::chrono::seconds begin, double speed);

  // Counts what flowed during `elapsed`, then moves on in the year and sets the powers that hold from now on.
  void advance(std::chrono::duration<double> elapsed);

  std::chrono::duration<double> position() const { return position_; }  // since the beginning of the recorded year

  const ElectricMeter& incomer() const { return incomer_; }
  const ElectricMeter& rolling_shop() const { return rolling_shop_; }
  const ElectricMeter& press_shop() const { return press_shop_; }
  const ElectricMeter& air_station() const { return air_station_; }
  const ElectricMeter& dormitory() const { return dormitory_; }      // at its grid connection: load less solar power
  const ElectricMeter& solar_roofs() const { return solar_roofs_; }  // import_kwh counts what they generated
  const GasMeter& furnace() const { return furnace_; }

 private:
  void set_loads();

  LoadCurve steel_kw_;
  LoadCurve steel_lagging_kvar_;
  LoadCurve steel_leading_kvar_;
  LoadCurve household_import_kw_;
  LoadCurve household_export_kw_;
  LoadCurve household_solar_kw_;
  std::chrono::duration<double> position_;
  double speed_;

  // What the counters showed when the demonstration began: meters in service, not fresh from the box.
  ElectricMeter incomer_{800.0, 18'250.4, 131.7};
  ElectricMeter rolling_shop_{450.0, 9'640.2};
  ElectricMeter press_shop_{250.0, 5'291.8};
  ElectricMeter air_station_{120.0, 2'704.5};
  ElectricMeter dormitory_{200.0, 1'188.3, 402.9};
  ElectricMeter solar_roofs_{200.0, 1'377.6};
  GasMeter furnace_{3'412.75};
};

}  // namespace carbongate::demo

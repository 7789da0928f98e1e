#include "deploy/demo/meter.h"

#include <algorithm>
#include <cmath>

namespace carbongate::demo {

void ElectricMeter::set_load(double active_kw, double reactive_kvar) {
  active_kw_ = active_kw;
  reactive_kvar_ = reactive_kvar;
}

void ElectricMeter::advance(std::chrono::duration<double> elapsed) {
  const double hours = elapsed.count() / 3600.0;
  (active_kw_ >= 0.0 ? import_kwh_ : export_kwh_) += std::abs(active_kw_) * hours;
  (reactive_kvar_ >= 0.0 ? import_kvarh_ : export_kvarh_) += std::abs(reactive_kvar_) * hours;
}

double ElectricMeter::apparent_kva() const {
  return std::hypot(active_kw_, reactive_kvar_);
}

double ElectricMeter::power_factor() const {
  const double apparent = apparent_kva();
  return apparent > 0.0 ? active_kw_ / apparent : 1.0;
}

double ElectricMeter::voltage(std::size_t phase) const {
  constexpr std::array<double, 3> kNoLoad{232.1, 231.4, 231.8};  // phases are never quite alike
  return kNoLoad[phase] * (1.0 - 0.025 * std::clamp(active_kw_ / rated_kw_, -1.0, 1.0));
}

double ElectricMeter::current(std::size_t phase) const {
  return apparent_kva() * 1000.0 / 3.0 / voltage(phase);
}

}  // namespace carbongate::demo

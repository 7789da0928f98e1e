// What hangs on the wall: meters that turn a power into readings and counters, as their registers and messages show
// them.
#pragma once

#include <array>
#include <chrono>

namespace carbongate::demo {

// A three-phase meter, evenly loaded. Counters integrate the power in real time.
class ElectricMeter {
 public:
  // `rated_kw` is the load at which the supply has dropped by 2.5 %. `import_kwh` is what it has counted before.
  explicit ElectricMeter(double rated_kw, double import_kwh = 0.0, double export_kwh = 0.0)
      : rated_kw_(rated_kw), import_kwh_(import_kwh), export_kwh_(export_kwh) {}

  // Positive is drawn from the grid, negative is fed into it.
  void set_load(double active_kw, double reactive_kvar);

  // Counts what flowed since the last call.
  void advance(std::chrono::duration<double> elapsed);

  double active_kw() const { return active_kw_; }
  double reactive_kvar() const { return reactive_kvar_; }
  double apparent_kva() const;
  double power_factor() const;  // 1 without load
  double import_kwh() const { return import_kwh_; }
  double export_kwh() const { return export_kwh_; }
  double import_kvarh() const { return import_kvarh_; }
  double export_kvarh() const { return export_kvarh_; }
  double voltage(std::size_t phase) const;  // V, phase 0..2, to neutral
  double current(std::size_t phase) const;  // A
  static double frequency() { return 50.0; }

 private:
  double rated_kw_;
  double active_kw_ = 0.0;
  double reactive_kvar_ = 0.0;
  double import_kwh_;
  double export_kwh_;
  double import_kvarh_ = 0.0;
  double export_kvarh_ = 0.0;
};

class GasMeter {
 public:
  explicit GasMeter(double volume_nm3) : volume_nm3_(volume_nm3) {}

  void set_flow(double flow_nm3_per_h) { flow_nm3_per_h_ = flow_nm3_per_h; }
  void advance(std::chrono::duration<double> elapsed) { volume_nm3_ += flow_nm3_per_h_ * elapsed.count() / 3600.0; }

  double flow_nm3_per_h() const { return flow_nm3_per_h_; }
  double volume_nm3() const { return volume_nm3_; }

 private:
  double flow_nm3_per_h_ = 0.0;
  double volume_nm3_;
};

}  // namespace carbongate::demo

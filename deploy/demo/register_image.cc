#include "deploy/demo/register_image.h"

#include <bit>
#include <cassert>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace carbongate::demo {

RegisterImage::RegisterImage(Space space, int first, int count, int registers_per_request_max)
    : space_(space),
      first_(first),
      registers_per_request_max_(registers_per_request_max),
      mapping_(space == Space::input ? modbus_mapping_new_start_address(0, 0, 0, 0, 0, 0, static_cast<unsigned>(first),
                                                                        static_cast<unsigned>(count))
                                     : modbus_mapping_new_start_address(0, 0, 0, 0, static_cast<unsigned>(first),
                                                                        static_cast<unsigned>(count), 0, 0),
               &modbus_mapping_free) {
  if (!mapping_) throw std::runtime_error("no memory for the registers");
}

std::uint16_t* RegisterImage::at(int address) {
  const bool input = space_ == Space::input;
  assert(address >= first_);
  assert(address - first_ + 2 <= (input ? mapping_->nb_input_registers : mapping_->nb_registers));
  return (input ? mapping_->tab_input_registers : mapping_->tab_registers) + (address - first_);
}

void RegisterImage::set_float32(int address, double value) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  at(address)[0] = static_cast<std::uint16_t>(bits >> 16);
  at(address)[1] = static_cast<std::uint16_t>(bits);
}

RegisterImage make_eastron_sdm630() {
  return {RegisterImage::Space::input, 0, 382, 80};
}

void show_on_eastron_sdm630(const ElectricMeter& meter, RegisterImage& image) {
  const double third_w = meter.active_kw() * 1000.0 / 3.0;
  const double third_va = meter.apparent_kva() * 1000.0 / 3.0;
  const double third_var = meter.reactive_kvar() * 1000.0 / 3.0;
  for (std::size_t phase = 0; phase < 3; ++phase) {
    const int offset = 2 * static_cast<int>(phase);
    image.set_float32(0 + offset, meter.voltage(phase));
    image.set_float32(6 + offset, meter.current(phase));
    image.set_float32(12 + offset, third_w);
    image.set_float32(18 + offset, third_va);
    image.set_float32(24 + offset, third_var);
    image.set_float32(30 + offset, meter.power_factor());
    image.set_float32(346 + offset, meter.import_kwh() / 3.0);
    image.set_float32(352 + offset, meter.export_kwh() / 3.0);
    image.set_float32(358 + offset, (meter.import_kwh() + meter.export_kwh()) / 3.0);
  }
  image.set_float32(52, 3.0 * third_w);
  image.set_float32(56, 3.0 * third_va);
  image.set_float32(60, 3.0 * third_var);
  image.set_float32(62, meter.power_factor());
  image.set_float32(66, std::acos(meter.power_factor()) * 180.0 / std::numbers::pi);
  image.set_float32(70, ElectricMeter::frequency());
  image.set_float32(72, meter.import_kwh());
  image.set_float32(74, meter.export_kwh());
  image.set_float32(76, meter.import_kvarh());
  image.set_float32(78, meter.export_kvarh());
  image.set_float32(342, meter.import_kwh() + meter.export_kwh());
  image.set_float32(344, meter.import_kvarh() + meter.export_kvarh());
}

RegisterImage make_chint_dtsu666() {
  return {RegisterImage::Space::holding, 4126, 8262 - 4126, 125};
}

void show_on_chint_dtsu666(const ElectricMeter& meter, RegisterImage& image) {
  constexpr double kThird = 1.0 / 3.0;
  image.set_float32(4126, meter.import_kwh());
  image.set_float32(4136, meter.export_kwh());
  for (std::size_t phase = 0; phase < 3; ++phase) {
    const int offset = 2 * static_cast<int>(phase);
    image.set_float32(4128 + offset, meter.import_kwh() * kThird);
    image.set_float32(4138 + offset, meter.export_kwh() * kThird);
    image.set_float32(8198 + offset, meter.voltage(phase) * 10.0);
    image.set_float32(8204 + offset, meter.current(phase) * 1000.0);
    image.set_float32(8212 + offset, meter.active_kw() * 1000.0 * kThird * 10.0);
    image.set_float32(8220 + offset, meter.reactive_kvar() * 1000.0 * kThird * 10.0);
    image.set_float32(8236 + offset, meter.power_factor() * 1000.0);
  }
  image.set_float32(8210, meter.active_kw() * 1000.0 * 10.0);
  image.set_float32(8218, meter.reactive_kvar() * 1000.0 * 10.0);
  image.set_float32(8234, meter.power_factor() * 1000.0);
  image.set_float32(8260, ElectricMeter::frequency() * 100.0);
}

}  // namespace carbongate::demo

// The registers of one Modbus unit, as its manufacturer lays them out.
#pragma once

#include <modbus/modbus.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "deploy/demo/meter.h"

namespace carbongate::demo {

// Input registers (function 4) or holding registers (function 3) from `first` on, the others absent: reading them is
// answered with exception 2. Values of two registers have the high word first.
class RegisterImage {
 public:
  enum class Space : std::uint8_t { holding, input };

  RegisterImage(Space space, int first, int count, int registers_per_request_max);

  void set_float32(int address, double value);

  modbus_mapping_t* mapping() { return mapping_.get(); }
  int registers_per_request_max() const { return registers_per_request_max_; }

 private:
  std::uint16_t* at(int address);

  Space space_;
  int first_;
  int registers_per_request_max_;
  std::unique_ptr<modbus_mapping_t, void (*)(modbus_mapping_t*)> mapping_;
};

// Eastron SDM630-Modbus V2: input registers of float32, at most 80 per request.
RegisterImage make_eastron_sdm630();
void show_on_eastron_sdm630(const ElectricMeter& meter, RegisterImage& image);

// Chint DTSU666: holding registers of float32 that carry scaled numbers, 230.1 V as 2301.0.
RegisterImage make_chint_dtsu666();
void show_on_chint_dtsu666(const ElectricMeter& meter, RegisterImage& image);

}  // namespace carbongate::demo

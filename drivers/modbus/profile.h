// A device profile: which registers a model has, and how it wants to be asked. Data files in config/profiles.
//
//   name: eastron-sdm630          as devices refer to it; the file's name with hyphens
//   vendor: Eastron
//   models: [SDM630-Modbus V2]
//   source: where the facts come from
//   licence: of the source
//   note: what an installer should know                (optional, as are all below but registers)
//   function: 4                   default of the registers: 1 coils, 2 discrete inputs, 3 holding, 4 input registers
//   type: float32                 default: bit, int16, uint16, int32, uint32, int64, uint64, float32, float64
//   order: ABCD                   default: ABCD, CDAB, BADC, DCBA
//   max_block: 80                 most registers in one request
//   max_gap: 16                   most unwanted registers to read to save a request; 0: the device refuses gaps
//   pause: 50ms                   how long the device wants to be left alone after an answer
//   not_available: {uint16: "0xFFFF", int32: ["0x7FFFFFFF", "0x80000000"]}     bits that mean "no value", by type
//   registers:
//     - {name: active_energy_import, address: 72, unit: kWh}
//       address: from 0, as on the wire; function, type, order, not_available: instead of the defaults
//       scale, offset: value = raw * scale + offset, decimal and exact
//       kind: cumulative or instantaneous; by default what the unit suggests: kWh is cumulative, kW instantaneous
//       min, max, rollover_at, register_bits, register_digits, count, signed, power_max, stale_after, gap_max: limits
//       of the point, drivers/point_limits.h; a register of 16 or 32 bits starts again after 2^16 or 2^32 counts if
//       nothing else is said
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/reader/reader.h"
#include "drivers/api/point.h"
#include "drivers/modbus/poll_plan.h"
#include "drivers/modbus/register_field.h"

namespace carbongate::modbus_driver {

inline constexpr std::size_t kRegistersMax = 2'000;  // of a profile or a device

struct ProfileRegister {
  Point point;  // name, kind, unit, limits
  RegisterField field;
};

struct Profile {
  std::string name;
  std::string vendor;
  std::vector<std::string> models;
  std::string source;
  std::string licence;
  std::string note;
  ReadLimits limits;
  Duration pause{0};
  std::vector<ProfileRegister> registers;
};

// What the registers of a list have in common, unless they say otherwise.
struct RegisterDefaults {
  modbus::Function function = modbus::Function::read_holding_registers;
  std::optional<RegisterType> type;  // absent: every register must say
  ByteOrder order = ByteOrder::abcd;
  std::map<RegisterType, std::vector<BitPattern>> not_available;
};

// Problems go to the reader.
Profile read_profile(config::Reader& in);

// The elements of `in`'s list `registers`, as in a profile. A register that is wrong is left out; names are unique.
// `root`: of the configuration, where the list is a device's own: its registers may have a meter_history.h.
std::vector<ProfileRegister> read_registers(config::Reader& in, const RegisterDefaults& defaults,
                                            const config::Node* root = nullptr);

ReadLimits read_limits(config::Reader& in, ReadLimits fallback);  // max_block, max_gap

}  // namespace carbongate::modbus_driver

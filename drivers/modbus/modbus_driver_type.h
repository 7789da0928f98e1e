// The lines of the registry for Modbus.
#pragma once

#include "drivers/registry.h"

namespace carbongate::modbus_driver {

extern const DriverType kModbusTcp;     // "modbus-tcp"
extern const DriverType kModbusRtu;     // "modbus-rtu": a serial port
extern const DriverType kModbusRtuTcp;  // "modbus-rtu-tcp": RTU frames through a serial-to-Ethernet converter

}  // namespace carbongate::modbus_driver

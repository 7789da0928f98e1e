#include "drivers/registry.h"

#include "drivers/http/http_driver_type.h"
#include "drivers/modbus/modbus_driver_type.h"
#include "drivers/mqtt/mqtt_driver_type.h"

namespace carbongate {

std::span<const DriverType> driver_types() {
  // Local: filled at the first call, when the types of the other files are initialised for certain.
  static const DriverType kTypes[] = {
      modbus_driver::kModbusTcp,
      modbus_driver::kModbusRtu,
      modbus_driver::kModbusRtuTcp,
      mqtt_driver::kMqtt,
      http_driver::kHttp,
  };
  return kTypes;
}

}  // namespace carbongate

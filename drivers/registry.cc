#include "drivers/registry.h"

#include "drivers/hj212/hj212_driver_type.h"
#include "drivers/http/http_driver_type.h"
#include "drivers/manual/manual_driver_type.h"
#include "drivers/modbus/modbus_driver_type.h"
#include "drivers/mqtt/mqtt_driver_type.h"

namespace carbongate {

std::span<const DriverType> driver_types() {
  // Local: filled at the first call, when the types of the other files are initialised for certain.
  static const DriverType kTypes[] = {
      modbus_driver::kModbusTcp,     // over TCP
      modbus_driver::kModbusRtu,     // on a serial line
      modbus_driver::kModbusRtuTcp,  // on a serial line behind a converter
      mqtt_driver::kMqtt,            // messages of a broker
      http_driver::kHttp,            // answers of a web server
      hj212_driver::kHj212,          // packets of loggers and stack analysers
      manual_driver::kManual,        // what a person enters
  };
  return kTypes;
}

}  // namespace carbongate

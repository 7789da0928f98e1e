// The line of the registry for MQTT.
#pragma once

#include "drivers/registry.h"

namespace carbongate::mqtt_driver {

extern const DriverType kMqtt;  // "mqtt"

}  // namespace carbongate::mqtt_driver

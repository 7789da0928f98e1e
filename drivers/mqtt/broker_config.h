// An element of the `brokers` map: where a broker is, and how to come in.
#pragma once

#include <string>

#include "config/reader/node.h"
#include "config/reader/problem.h"
#include "drivers/shared_section.h"
#include "protocols/mqtt/session.h"

namespace carbongate::mqtt_driver {

struct Broker final : SharedEntry {
  mqtt::SessionOptions session;  // without subscriptions
};

extern const SharedSection kBrokers;

// Reads `brokers.<name>`. The client id, where none is given, is "carbongate-<site>-<broker>": the same after every
// start, since the broker keeps our session under it, and another for every site.
mqtt::SessionOptions read_broker(const config::Node& broker, const std::string& name, const config::Node& root,
                                 config::Problems& problems);

}  // namespace carbongate::mqtt_driver

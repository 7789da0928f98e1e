// The devices of the running gateway, for its HTTP server.
#pragma once

#include <string_view>

#include "gateway/app/gateway.h"
#include "gateway/ops/facts.h"

namespace carbongate::app {

class OpsDevices final : public ops::Devices {
 public:
  explicit OpsDevices(Gateway& gateway) : gateway_(gateway) {}  // outlives it

  const FrameLog* frames(std::string_view device) const override {
    const Driver* driver = gateway_.driver_of(device);
    return driver ? driver->frames(device) : nullptr;
  }
  PollPort* poll_port(std::string_view device) override {
    Driver* driver = gateway_.driver_of(device);
    return driver ? driver->poll_port() : nullptr;
  }

 private:
  Gateway& gateway_;
};

}  // namespace carbongate::app

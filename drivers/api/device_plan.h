// A device as configured: what it will measure, before anything is opened.
#pragma once

#include <string>
#include <vector>

#include "drivers/api/point.h"

namespace carbongate {

class DevicePlan {
 public:
  explicit DevicePlan(std::string id) : id_(std::move(id)) {}
  virtual ~DevicePlan() = default;

  const std::string& id() const { return id_; }

  // The points, in the order of profile or configuration; the application gives them their ids before it makes drivers.
  std::vector<Point>& points() { return points_; }
  const std::vector<Point>& points() const { return points_; }

  // Devices with the same driver type and the same group share one connection: "10.0.0.5:502", "/dev/ttyS1", "plant".
  virtual std::string group() const = 0;

 private:
  std::string id_;
  std::vector<Point> points_;
};

}  // namespace carbongate

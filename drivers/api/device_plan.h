// A device as configured: what it will measure, before anything is opened.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drivers/api/point.h"

namespace carbongate {

// Where a value came from, for people who ask.
struct Origin {
  std::string where;     // "unit 1 of 10.0.0.5:502, input registers 72-73 (0x0048)"; "topic tele/a, JSON /E"
  std::string decoding;  // "float32, bytes ABCD, * 0.1": what made a number of it
  std::optional<std::string> bytes;  // "47 8e 6a 00": re-encoded from the value; nullopt where it does not tell
  std::string bytes_missing = {};    // why there are none; empty also where values do not come as bytes
};

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

  // Of a reading of points()[point] that had this value.
  virtual Origin origin(std::size_t point, double value) const = 0;

 private:
  std::string id_;
  std::vector<Point> points_;
};

}  // namespace carbongate

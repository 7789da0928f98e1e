// The section `repairs`: what was wrong with stored values, for a time, and how the right ones follow from them.
//
//   repairs:
//     - point: press.energy
//       from: 2026-03-01
//       until: 2026-03-05T12:00          # when the device's own configuration was put right; absent: still wrong
//       scale: 10                        # right = stored * scale + offset
//       reason: "CT ratio was entered as 40, is 400"
//     - point: oven.energy
//       from: 2026-04-01
//       byte_order: {was: cdab, is: abcd, type: float32, scale: 0.001}   # scale: of the register, 1 if absent
//       reason: "word order"
//
// Readings are stored as they came and stay so; repairs apply when they are computed again (carbongate restate, and the
// restatement of late data).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/reader/reader.h"
#include "drivers/api/point.h"

namespace carbongate::app {

// The bytes of a register in another order.
struct ByteRepair {
  enum class Type { uint16, int16, uint32, int32, float32, uint64, int64, float64 };
  Type type = Type::uint32;
  std::string was;     // "cdab": how the bytes A (highest) to D were taken from the wire
  std::string is;      // how they should have been
  double scale = 1.0;  // stored = register * scale

  // nullopt: no register gives this value, or what it gives is not a number; of an integer of 64 bits that was taken
  // for more than 2^53 also, that no right value from 0 to 2^48, or more than one, leads to it. Of a NaN: the register
  // that it keeps (drivers/api/kept_bits.h).
  std::optional<double> operator()(double stored) const;

 private:
  std::optional<std::uint64_t> right_of(double stored) const;
  std::optional<std::uint64_t> right_of_large(double number) const;
};

struct Repair {
  PointId point{};
  Instant from{};
  Instant until = Instant::max();  // excluded
  std::optional<ByteRepair> bytes;
  double scale = 1.0;
  double offset = 0.0;
  std::string reason;

  bool covers(Instant at) const { return from <= at && at < until; }
  // Bytes first, then scale and offset. nullopt: the right value does not follow from this one.
  std::optional<double> operator()(double stored) const;
};

// `points`: of the site. Times without an offset are in `time_zone`.
std::vector<Repair> read_repairs(config::Reader& root, std::span<const Point> points, const std::string& time_zone);

}  // namespace carbongate::app

// Energy attribute certificates: in China the green electricity certificate (绿证, GEC), 1 of which stands for 1 MWh.
#pragma once

#include <string>

#include "drivers/api/reading.h"
#include "gateway/model/quantity.h"

namespace carbongate::model {

// One certificate, or one batch with a serial of its own, retired for an energy user. What the market-based result of
// scope 2 may claim rests on these facts (GHG Protocol Scope 2 Guidance, chapter 7).
struct Certificate {
  std::string serial;         // unique: one serial counts once
  std::string user;           // whose consumption it is retired for
  std::string carrier;        // "electricity"
  Activity volume;            // in the carrier's quantum
  Instant generated_from{};   // consumption of this period alone can be matched
  Instant generated_until{};  // exclusive
  std::string plant;
  std::string technology;  // "wind", "solar"
  std::string retired;     // date of retirement: "2026-04-10"
  std::string owner;
};

}  // namespace carbongate::model

// What the market-based result of scope 2 may claim: contractual instruments (GHG Protocol Scope 2 Guidance, chapters 6
// and 7). Energy attribute certificates, in China the green electricity certificate (绿证, GEC), 1 of which stands for
// 1 MWh; and supply contracts, such as green power contracts (绿电合同, PPA).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/gas.h"
#include "gateway/model/quantity.h"

namespace carbongate::model {

// What a supplier discloses of the power it delivers by a contract.
struct SupplyContract {
  std::string id;  // unique: "PPA-7"
  std::string supplier;
  std::string factor_text;         // as disclosed: "0.05 kgCO2e/kWh"
  std::int64_t scaled_factor = 0;  // mg per quantum times kFactorScale
  Gas gas = Gas::unsplit;          // that it is a factor of: CO2, or published as CO2e only
  std::int32_t u95_ppm = 0;        // half-width of its 95 % interval; 0: not stated
  std::string source;              // the disclosure
};

// One certificate, or one batch with a serial of its own, retired for an energy user; or what one contract delivered in
// one period.
struct Certificate {
  std::string serial;  // unique: one serial counts once. Of a contract: its id and the period: "PPA-7/2026-03"
  std::vector<std::string> users;               // whose consumption it may be matched with; at least one
  std::string carrier;                          // "electricity"
  Activity volume;                              // in the carrier's quantum
  Instant generated_from{};                     // consumption of this period alone can be matched
  Instant generated_until{};                    // exclusive
  std::optional<SupplyContract> contract = {};  // nullopt: a certificate, whose power emits nothing
  std::string plant = {};
  std::string technology = {};  // "wind", "solar"
  std::string retired = {};     // date of retirement: "2026-04-10"
  std::string owner = {};

  bool may_match(const std::string& user, const std::string& of_carrier) const;
  std::string users_text() const;  // "press-shop, paint-shop"
};

}  // namespace carbongate::model

// Which consumption is matched by which certificates and contracts. Pure and exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/books/layers.h"
#include "gateway/model/account.h"
#include "gateway/model/carrier.h"
#include "gateway/model/certificate.h"
#include "gateway/model/rows.h"

namespace carbongate::books {

// The consumption of one account in one quarter hour, to be matched.
struct Consumption {
  std::string_view user;
  std::string_view carrier;
  Instant begin{};
  model::Activity amount;     // what a certificate or contract can stand for; <= 0: nothing
  model::Activity certified;  // out: how much of it is matched, 0 <= certified <= amount
};

// A certificate, or what a contract delivered, beyond what was consumed in its period.
struct Unused {
  const model::Certificate* certificate;
  model::Activity amount;  // that found no consumption
};

// Matches every certificate with the consumption of its users and carrier that begins in its period: certificates of
// shorter periods first, then by the end of the period, then certificates before contracts (the order of Scope 2
// Guidance, table 6.3), then by serial. A certificate is spread over the consumption not yet matched in proportion to
// it, in whole quanta without a remainder: the sum over the quarter hours is min(volume, consumption). Never more than
// was consumed is matched, and no certificate twice. Contracts are matched by the same rules.
//
// `consumption`: in any order; what begins at one instant is taken in the order given. Time: certificates * consumption
// of their periods.
std::vector<Unused> match(std::span<const model::Certificate> certificates, std::span<Consumption> consumption);

// What one certificate matches of one consumption.
struct Share {
  std::uint32_t consumption = 0;  // their places in what was matched
  std::uint32_t certificate = 0;
  model::Activity amount;  // > 0
};

// The same, and which certificate matches what; ordered by consumption, then in the order in which they were matched.
// Memory: 16 bytes a share.
std::vector<Unused> match(std::span<const model::Certificate> certificates, std::span<Consumption> consumption,
                          std::vector<Share>& shares);

// Consumption that emits nothing by its market-based factor needs no certificate and gets none: own generation whose
// certificates were kept, a contract for power without emissions.
bool takes_certificates(const model::EmissionEntry& without_certificates);

// How much of an entry's consumption a serial matches.
struct SerialShare {
  std::string serial;
  model::Activity amount;
  const model::SupplyContract* contract = nullptr;  // whose factor the amount has; of a certificate it emits nothing
};

// What rounding has left of the market-based figures of an account's entries: carried along them in order of time, in
// 2^-32 mg, so that sums of them are the exact ones rounded once, and each is less than 1 mg off. Begins anew where no
// certificate of the account reaches across, so that it depends on nothing but what matches these entries.
struct MarketCarry {
  std::int64_t co2e = 0;
  model::PerGas<std::int64_t> gases;
};

// The market-based emission of an entry whose `amount` is matched by `shares`: of what is left in proportion, so that
// full matching leaves exactly nothing, and of what contracts delivered by their factors. The half-widths are rounded
// each: of the factors in proportion; of the metered amount the whole one, whatever part of it is matched, because the
// volumes of certificates and contracts are exact and what is left is a difference (JCGM 100, 5.1.2). Where nothing is
// left, the contract that was matched last has it; what certificates alone match in full is certain to emit nothing.
// Where a contract or the factor of what is left states none, the factors together state none: what the meter errs by
// is a lower bound then, or, where that is not known either, what the others of them err by. `activity_u95_ppm`: of the
// account's amounts.
model::Emitted market_based(const model::Emitted& market, model::Activity amount, std::span<const SerialShare> shares,
                            std::int32_t activity_u95_ppm, MarketCarry& carry);

// What a correction of the cause `certificate` says of the whole entry, as it is from then on:
//
//   note   = share *("; " share) " of " amount / "no certificate"      with a reason: REASON " (" note ")"
//   share  = serial ": " amount [" at " factor]                        the factor of a contract, as disclosed
//   amount = decimal " " unit                                          in the carrier's display unit, exact
//
//   GEC-1: 0.25 kWh; PPA-7/2026-03: 1 kWh at 0.05 kgCO2e/kWh of 2.5 kWh
//
// A serial may hold none of ';', '(' and ')'.
std::string certificate_note(std::span<const SerialShare> shares, model::Activity consumption,
                             const model::Carrier& carrier);
std::vector<std::string> serials_in(std::string_view note);

// What makes the entry say what the shares say: a further revision of zero amount, which changes its market-based
// result to market_based() of what it is without certificates. nullopt: it does already. `shares`: together at most
// what was consumed.
std::optional<model::EmissionEntry> certificate_correction(const Layers& known, std::span<const SerialShare> shares,
                                                           const model::Account& account, MarketCarry& carry,
                                                           Instant now);

}  // namespace carbongate::books

// Which consumption is matched by which certificates. Pure and exact.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "gateway/model/certificate.h"
#include "gateway/model/rows.h"

namespace carbongate::books {

// The consumption of one account in one quarter hour, to be matched.
struct Consumption {
  std::string_view user;
  std::string_view carrier;
  Instant begin{};
  model::Activity amount;     // what a certificate can stand for; <= 0: nothing
  model::Activity certified;  // out: how much of it is matched, 0 <= certified <= amount
};

// A certificate for more than was consumed in its period.
struct Unused {
  const model::Certificate* certificate;
  model::Activity amount;  // that found no consumption
};

// Matches every certificate with the consumption of its user and carrier that begins in its period: certificates of
// shorter periods first, then by the end of the period, then by serial. A certificate is spread over the consumption
// not yet matched in proportion to it, in whole quanta without a remainder: the sum over the quarter hours is
// min(volume, consumption). Never more than was consumed is matched, and no certificate twice.
//
// `consumption`: in any order. Time: certificates * consumption of their periods.
std::vector<Unused> match(std::span<const model::Certificate> certificates, std::span<Consumption> consumption);

// The market-based emission of an entry when `certified` of its `amount` is matched: what is left in proportion,
// rounded towards zero, so that full matching leaves exactly nothing.
model::Emitted unmatched_part(const model::Emitted& market, model::Activity amount, model::Activity certified);

}  // namespace carbongate::books

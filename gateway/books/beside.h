// What stands beside computed entries: amounts that a rule or a person gives to quarter hours. Pure and exact.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/books/layers.h"
#include "gateway/model/account.h"
#include "gateway/model/checkpoint.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/emission.h"

namespace carbongate::books {

// `whole` in proportion to the weights (>= 0), in whole quanta without a remainder: the parts add up to `whole`.
// Evenly, if all weights are 0. Nothing for no weights.
std::vector<model::Activity> spread(model::Activity whole, std::span<const std::int64_t> weights);

// What is left below a milligram of parts of one amount, along them: their sum is that of the whole, rounded once.
struct PriceCarry {
  PriceCarry();

  model::PerBasis<model::EmissionState> emissions;
  std::int64_t coal;
};

// The entry that this amount would make: emissions, coal and the factors' uncertainties by the factors of its begin.
// How far the amount itself may lie from the truth nobody states: no meter measured it. A negative amount has negative
// half-widths: it is part of a larger one. Where a factor should apply and none does, the quality
// says that, as in the pipeline.
model::EmissionEntry price(model::Activity amount, const pipeline::Span& quarter, const model::Account& account,
                           pipeline::AccountFactors& factors, model::Quality quality, PriceCarry& carry);

// The further revision that makes the layer of one cause into `target`, which price() gave. nullopt: it is so already;
// an amount that is there by other factors is not. A layer that becomes nothing gives the entry its computed quality
// back. The coverage stays what the readings say.
//
// `layer`: `known.substituted` or `known.manual`; `known` of an entry without revisions is empty.
std::optional<model::EmissionEntry> beside_correction(const Layers& known, const model::EmissionEntry& layer,
                                                      const model::EmissionEntry& target, model::Correction correction);

// The further revision that makes what was entered of an entry into what `target`, the same amount, says of it.
// nullopt: the figures are the same, by whatever factor, but for a remainder below a milligram.
std::optional<model::EmissionEntry> price_correction(const Layers& known, const model::EmissionEntry& target,
                                                     model::Correction correction);

}  // namespace carbongate::books

// Of which quality a statement's line is, as shares of its time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "gateway/books/statement.h"

namespace carbongate::books {

using QualityShares = std::array<std::int64_t, kOriginCount>;  // in hundredths of a percent

// How much of its time is of each origin: together 100 %, to the last hundredth. nullopt: of no time.
// `length`: of the period.
std::optional<QualityShares> quality_shares(const Line& line, Duration length);

}  // namespace carbongate::books

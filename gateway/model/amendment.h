// A correction on its way into the books: what gateway/books found, and gateway/pipeline books.
#pragma once

#include <optional>

#include "gateway/model/checkpoint.h"
#include "gateway/model/factor.h"
#include "gateway/model/rows.h"

namespace carbongate::model {

// An entry of one account of this run.
struct AccountEntry {
  AccountId account{};
  EmissionEntry entry;
};

// A stored rollup of one account of this run, as known now.
struct AccountRollup {
  AccountId account{};
  RollupRow row;
};

// Late data of a point that are restated, as they were known then, and what of them is left to do.
struct LateDataSettled {
  PointId point{};
  LateData known;
  std::optional<LateData> left;
};

// One amount by one factor.
struct Priced {
  Activity amount;
  FactorRate rate;
};
// A correction as the difference of two products, so that it is exact below the milligram whichever factors they are
// by.
struct Exchange {
  Priced before;
  Priced after;
};

struct Amendment {
  AccountId account{};
  EmissionEntry correction;     // a further entry: holds the differences, names its cause, has the next revision
  Duration covered_before{};    // coverage is no sum: what it was known to be
  bool another_factor = false;  // besides what its cause names: the note tells which
  PerBasis<std::optional<Exchange>> exchange = {};  // of factors that change
};

}  // namespace carbongate::model

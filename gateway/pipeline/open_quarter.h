// The emissions of an account's quarter hour in progress.
#pragma once

#include <cstdint>
#include <vector>

#include "gateway/model/checkpoint.h"
#include "gateway/pipeline/emission.h"

namespace carbongate::pipeline {

// It counts behind all that is closed, whenever that comes to light: while it is set aside a correction carries what
// the closed ones have left over, and so what is published adds up to the same, to the milligram, in whatever order
// readings come. References outlive it.
class OpenSetAside {
 public:
  OpenSetAside(model::AccountState& account, AccountFactors& factors);

  // What it is now, by a milligram more or less.
  void put_back();

 private:
  struct Taken {
    model::Basis basis{};
    model::FactorRate rate;
    model::Emitted emitted;
  };

  model::AccountState& account_;
  model::Activity amount_;
  std::vector<Taken> taken_;
  std::int64_t scaled_coal_ = 0;
  model::StandardCoal taken_coal_;
};

// Of a gateway that listens again: where other factors apply than those it was counted by so far, counts all of it by
// these, which its entry will name. False: it is as it was.
bool price_open_quarter(model::AccountState& account, AccountFactors& factors);

}  // namespace carbongate::pipeline

// How far the truth may lie from what several accounts have emitted together.
#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include "gateway/model/account.h"
#include "gateway/model/emitted.h"
#include "gateway/model/stated.h"
#include "gateway/model/uncertainty.h"

namespace carbongate::model {

// References to accounts outlive it.
class AccountsUncertainty {
 public:
  // `sign`: -1 takes off. `worst`: the quality of the figure.
  void add(const Account& account, const Co2eWithin& emitted, Quality worst, std::int64_t sign = 1) {
    sum_.add(account.source, sign * emitted.u95_activity.quanta(), factor_of(account),
             sign * emitted.u95_factor.quanta());
    if (!account.factor) return;  // emits nothing
    const Stated one = model::stated(emitted, worst);
    emits_ = true;
    all_ &= one == Stated::all;
    any_ |= one != Stated::none;
  }

  Co2e u95() const { return Co2e::of(sum_.root()); }
  Stated stated() const { return emits_ && all_ ? Stated::all : any_ ? Stated::part : Stated::none; }

 private:
  using FactorKey = std::tuple<std::string_view, std::string_view, std::string_view, std::string_view>;

  static FactorKey factor_of(const Account& account) {
    if (!account.factor) return {};
    return {account.factor->set, account.carrier->id, account.factor->region, account.factor->method};
  }

  CombinedUncertainty<PointId, FactorKey> sum_;
  bool emits_ = false;
  bool all_ = true;
  bool any_ = false;
};

}  // namespace carbongate::model

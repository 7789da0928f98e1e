#include "gateway/model/emitted.h"

#include <cstdlib>

#include "gateway/model/uncertainty.h"

namespace carbongate::model {

Co2e Co2eWithin::u95() const {
  Quadrature sum;
  sum.add(u95_activity.quanta());
  sum.add(u95_factor.quanta());
  return Co2e::of(sum.root());
}

bool near(const Emitted& a, const Emitted& b, std::int64_t tolerance_mg) {
  if (std::llabs(a.co2e.quanta() - b.co2e.quanta()) > tolerance_mg) return false;
  for (std::size_t i = 0; i < kGasCount; ++i) {
    const auto gas = static_cast<Gas>(i);
    if (std::llabs(a.gases[gas].quanta() - b.gases[gas].quanta()) > tolerance_mg) return false;
  }
  return true;
}

}  // namespace carbongate::model

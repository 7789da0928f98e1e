#include "gateway/model/emitted.h"

#include <cmath>

namespace carbongate::model {

Co2e Emitted::u95() const {
  const auto activity = static_cast<double>(u95_activity.quanta());
  const auto factor = static_cast<double>(u95_factor.quanta());
  return Co2e::of(std::llround(std::hypot(activity, factor)));
}

}  // namespace carbongate::model

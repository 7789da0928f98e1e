#include "gateway/store/record_parts.h"

namespace carbongate::store {

using model::Co2e;

Instant end_of(Instant begin, std::int64_t length_ms) {
  std::int64_t end_ms = 0;
  if (__builtin_add_overflow(ms(begin), length_ms, &end_ms)) throw DamagedRecord("a period ends beyond all time");
  return instant(end_ms);
}

model::Period decode_period(std::uint32_t number) {
  if (number >= model::kPeriodCount) throw DamagedRecord("unknown period " + std::to_string(number));
  return static_cast<model::Period>(number);
}

void put(const model::Emitted& emitted, proto::Emitted& message) {
  const auto& [co2e, gases, u95_activity, u95_factor] = emitted;
  message.set_co2e_mg(co2e.quanta());
  put_gases(gases, *message.mutable_gases());
  message.set_u95_activity_mg(u95_activity.quanta());
  message.set_u95_factor_mg(u95_factor.quanta());
}

model::Emitted get(const proto::Emitted& message) {
  model::Emitted emitted{.co2e = Co2e::of(message.co2e_mg()),
                         .gases = {},
                         .u95_activity = Co2e::of(message.u95_activity_mg()),
                         .u95_factor = Co2e::of(message.u95_factor_mg())};
  get_gases(message.gases(), emitted.gases);
  return emitted;
}

}  // namespace carbongate::store

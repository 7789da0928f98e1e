// What rows and states of record.proto have in common.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "gateway/model/emitted.h"
#include "gateway/model/gas.h"
#include "gateway/model/rows.h"
#include "gateway/store/database.h"
#include "gateway/store/record.h"
#include "gateway/store/record.pb.h"

namespace carbongate::store {

inline std::int64_t ms(Instant at) {
  return at.time_since_epoch().count();
}
inline Instant instant(std::int64_t ms) {
  return Instant(Duration(ms));
}
Instant end_of(Instant begin, std::int64_t length_ms);  // throws DamagedRecord

model::Period decode_period(std::uint32_t number);  // throws DamagedRecord

template <class Number>
void put_gases(const model::PerGas<Number>& gases, google::protobuf::RepeatedPtrField<proto::Gas>& list) {
  gases.each([&](model::Gas gas, Number number) {
    proto::Gas& message = *list.Add();
    message.set_gas(static_cast<std::uint32_t>(gas));
    if constexpr (std::is_same_v<Number, std::int64_t>) {
      message.set_mg(number);
    } else {
      message.set_mg(number.quanta());
    }
  });
}

template <class Number>
void get_gases(const google::protobuf::RepeatedPtrField<proto::Gas>& list, model::PerGas<Number>& gases) {
  for (const proto::Gas& message : list) {
    if (message.gas() >= model::kGasCount) throw DamagedRecord("unknown gas " + std::to_string(message.gas()));
    Number& number = gases[static_cast<model::Gas>(message.gas())];
    if constexpr (std::is_same_v<Number, std::int64_t>) {
      number = message.mg();
    } else {
      number = Number::of(message.mg());
    }
  }
}

void put(const model::Emitted& emitted, proto::Emitted& message);
model::Emitted get(const proto::Emitted& message);

// Both bases of a message that has them as `primary` and `market`; what is zero takes no room.
template <class Message>
void put_bases(const model::PerBasis<model::Emitted>& emitted, Message& message) {
  if (const auto& primary = emitted[model::Basis::primary]; primary != model::Emitted{}) {
    put(primary, *message.mutable_primary());
  }
  if (const auto& market = emitted[model::Basis::market]; market != model::Emitted{}) {
    put(market, *message.mutable_market());
  }
}

template <class Message>
model::PerBasis<model::Emitted> get_bases(const Message& message) {
  model::PerBasis<model::Emitted> emitted;
  emitted[model::Basis::primary] = get(message.primary());
  emitted[model::Basis::market] = get(message.market());
  return emitted;
}

}  // namespace carbongate::store

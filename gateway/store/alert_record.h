// Alerts and the states of watches as record.proto has them.
#pragma once

#include <cstdint>

#include "gateway/model/checkpoint.h"

namespace carbongate::store {

namespace proto {
class Alert;
class AlertState;
}  // namespace proto

// Messages are empty before. What reads them throws DamagedRecord.
void put(const model::Alert& row, proto::Alert& message);
model::Alert get(const proto::Alert& message, Instant at);
void put(const model::AlertState& state, proto::AlertState& message);
model::AlertState get(const proto::AlertState& message);

model::Cause decode_cause(std::uint32_t number);  // throws DamagedRecord

}  // namespace carbongate::store

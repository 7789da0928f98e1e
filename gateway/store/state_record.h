// The states of points and accounts as record.proto has them.
#pragma once

#include "gateway/model/checkpoint.h"

namespace carbongate::store {

namespace proto {
class AccountState;
class PointState;
}  // namespace proto

// Messages are empty before. What reads them throws DamagedRecord.
void put(const model::PointState& state, proto::PointState& message);
model::PointState get(const proto::PointState& message);
void put(const model::AccountState& state, proto::AccountState& message);
model::AccountState get(const proto::AccountState& message);

}  // namespace carbongate::store

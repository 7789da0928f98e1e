// Reports of stations, and the states of stations, as messages.
#pragma once

#include "gateway/model/station.h"

namespace carbongate::store {

namespace proto {
class Report;
class StationState;
}  // namespace proto

void put_report(const model::Report& report, proto::Report& message);
model::Report get_report(const proto::Report& message, Instant begin);  // throws DamagedRecord

void put_station(const model::StationState& state, proto::StationState& message);
model::StationState get_station(const proto::StationState& message);  // throws DamagedRecord

}  // namespace carbongate::store

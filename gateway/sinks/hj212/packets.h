// Rows as data of HJ 212: pure.
#pragma once

#include <string_view>
#include <vector>

#include "gateway/model/rows.h"
#include "gateway/sinks/hj212/station_clock.h"
#include "protocols/hj212/segment.h"

namespace carbongate::sinks::hj212 {

struct Data {
  std::string_view command;                       // CN
  std::vector<carbongate::hj212::Item> repeated;  // DataTime: in each part
  std::vector<carbongate::hj212::Item> items;
};

// The command that reports of a kind have: 2011, 2051, 2061, 2031.
std::string_view command_of(model::ReportKind kind);

// A factor is an item: the instant's value, or amount, least, mean and greatest value of the period, and its flag,
// which is all that there is of one that was silent. With `marks_unknown` (HJ 212-2025) a converted value that could
// not be computed is 9999.99.
Data data_of(const model::Report& report, const StationClock& clock, bool marks_unknown);

// CN 3020, as a text between slashes.
Data data_of(const model::Alert& alert, const model::Series& series, const StationClock& clock);

}  // namespace carbongate::sinks::hj212

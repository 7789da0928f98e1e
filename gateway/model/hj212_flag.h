// The data flags of HJ 212-2017, table 8, and our qualities: each maps to the other.
//
// | flag | HJ 212                | as a quality of ours  | from qualities of ours                                   |
// | ---- | --------------------- | --------------------- | -------------------------------------------------------- |
// | N    | normal                | measured              | measured, late: the value is the meter's own             |
// | F    | stopped 停运          | measured, stopped     | measured or late, stopped; measured, out_of_order        |
// | M    | maintenance           | missing, maintenance  | missing, maintenance                                     |
// | S    | set by hand           | manual                | manual, estimated, substituted: not measured as such     |
// | D    | fault                 | missing, fault        | missing by any rule not named in another line            |
// | C    | calibration           | missing, calibration  | missing, calibration                                     |
// | T    | over range            | missing, over-range   | missing, over-range; range: outside the limits of a point |
// | B    | communication failure | missing, gap          | missing, gap                                             |
//
// Every flag comes back as itself. Of our qualities some share a flag: what the regulator gets is coarser than what we
// know.
#pragma once

#include <optional>

#include "gateway/model/quality.h"

namespace carbongate::model {

char to_hj212_flag(Quality quality);

// nullopt: not a flag of the standard.
std::optional<Quality> from_hj212_flag(char flag);

// As a Reading has it: a value without a mark, and one with a mark that is none of the standard.
inline constexpr char kNoFlag = '\0';
inline constexpr char kUnknownFlag = '?';

// The rule of a value that was heard while nobody knew the time, which keeps its flag where that is usable.
Rule unknown_time_rule(bool stamped_by_device, char flag);

// What a stored reading had been marked with, where that is more than what its value tells when it is judged again.
char flag_said(Quality stored);

// Whether a value counts as valid for averages (HJ 212-2017 appendix C): flags N and F.
constexpr bool valid(Quality quality) {
  return quality.origin == Origin::measured || quality.origin == Origin::late;
}

}  // namespace carbongate::model

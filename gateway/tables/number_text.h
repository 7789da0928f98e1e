// Numbers as people and spreadsheets read them.
#pragma once

#include <string>

namespace carbongate::tables {

// The fewest digits from which the same double is read again: "200000", "0.1". With an exponent at most what is below
// 1e-6 or not below 1e15 in amount. NaN is empty: there is no number. Any thread.
std::string number_text(double value);

}  // namespace carbongate::tables

// Factors that a site counts by no more: for whoever asks by which one something was booked.
#pragma once

#include <optional>
#include <string_view>

#include "config/reader/data_files.h"
#include "gateway/model/factor.h"

namespace carbongate::pipeline {

// Where a site keeps a set's file when a new version takes its place: `factors/former/`, under any file name.
inline constexpr std::string_view kFormerKind = "factors/former";

// The factor of exactly this id and version, or of any version where the books name none: first of the set as it lies
// among the factors now, whether or not the configuration uses it, then of the files kept. Its CO2e is by `gwp`. Files
// with problems are passed over.
std::optional<model::Factor> find_former(const config::DataFiles& data, std::string_view gwp,
                                         std::string_view time_zone, std::string_view id, std::string_view version);

}  // namespace carbongate::pipeline

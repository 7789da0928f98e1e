// The kinds of rows, and the choice among them that a sink's configuration makes with `rows`.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>

#include "config/reader/reader.h"
#include "gateway/model/rows.h"

namespace carbongate::sinks::shared {

enum class RowKind : std::uint8_t { reading, interval, entry, rollup, total, alert, report };
inline constexpr std::size_t kRowKindCount = 7;
using RowKinds = std::bitset<kRowKindCount>;

// Alerts and reports: what is sent to people and platforms.
inline constexpr RowKinds kAlertRows{1U << static_cast<unsigned>(RowKind::alert)};
inline constexpr RowKinds kNoticeRows{1U << static_cast<unsigned>(RowKind::alert) |
                                      1U << static_cast<unsigned>(RowKind::report)};

RowKind kind_of(const model::RowBody& body);

// `rows: [readings, intervals, entries, rollups, totals, alerts, reports]`; everything, if it is absent. Problems go to
// the reader.
RowKinds read_row_kinds(config::Reader& in);

}  // namespace carbongate::sinks::shared

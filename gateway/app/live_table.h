// What `carbongate run --live` shows: power, energy and CO2e per energy user, and the state of devices and sinks.
#pragma once

#include <string>
#include <string_view>

#include "gateway/app/gateway.h"

namespace carbongate::app {

// Power, energy and CO2e per energy user; a '?' beside an amount that lacks the newest step of a counter, because it is
// in doubt, and below which counters these are, since when and why. What is part of another user is in no total; what
// of a user is unallocated has a line, as in statements (gateway/books/statement.h), but of what was counted since the
// first reading of each account. Pure; lines ended by '\n', no control sequences.
std::string accounts_table(const model::Site& site, const model::Checkpoint& accounts, Instant now);

// The same, and how devices, store and sinks fare.
std::string live_table(const model::Site& site, const model::Checkpoint& accounts, const GatewayStatus& status,
                       Instant now);

// The same with every line cut to `columns`, so that none wraps.
std::string cut_lines(std::string_view table, std::size_t columns);

// Columns that `text` takes on a terminal: Chinese characters take two.
std::size_t display_width(std::string_view text);

}  // namespace carbongate::app

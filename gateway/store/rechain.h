// The ledger of a store that was repaired: links that were lost, and what goes on behind them.
#pragma once

#include <cstdint>

#include "gateway/store/database.h"

namespace carbongate::store {

// Gives entries back the hash that was lost, as long as their predecessor has one. The count of them.
// `are_all_there`: no entry of the journal is lost, so that also those follow each other that stand behind the last
// link and the last seal.
std::uint64_t rechain(Database& database, bool are_all_there);

// What was sealed stays sealed: if its last entries are gone, the chain goes on from the hash in the seal, and whoever
// verifies is told which ones are missing.
void go_on_from_the_seal(Database& database);

}  // namespace carbongate::store

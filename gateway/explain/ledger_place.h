// Where entries stand in the hash chain, and which seal stands for them.
#pragma once

#include <filesystem>
#include <vector>

#include "gateway/explain/explanation.h"
#include "gateway/model/errors.h"

namespace carbongate::explain {

// Fills in `ledger` of each of these entries, which all begin at one instant. Hashes are computed again; whether the
// whole chain holds is for `verify` to say.
model::Result<void> find_places(const std::filesystem::path& store, const model::Series& series,
                                std::vector<Revision>& revisions);

}  // namespace carbongate::explain

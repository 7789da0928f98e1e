// A new key for the ledger's seals.
#pragma once

#include "gateway/ledger/key.h"
#include "gateway/model/errors.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {

// Makes a new key, announces it in a seal by the old one, and puts it in the old one's place. `lost`: the old key is
// gone, and the new one begins without an announcement, which verification will say for ever. Fault: in use by a
// gateway, no key, or the key is not in a file.
//
// The new key is on disk before the seal that announces it, and takes its place after that: interrupted at any moment,
// the next start finds the key that the last seal asks for (open_key).
model::Result<ledger::PublicKey> rotate_key(const StoreConfig& config, std::string_view site, bool lost, Instant at);

}  // namespace carbongate::store

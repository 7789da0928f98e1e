// The ledger's private key where it lies: a file, or the environment.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "gateway/ledger/key.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {

std::filesystem::path key_file_of(const StoreConfig& config);

// Where a new key waits until the seal that announces it is on disk.
std::filesystem::path next_key_file_of(const StoreConfig& config);

struct KeyOrTrouble {
  std::optional<ledger::SigningKey> key;
  std::string trouble;  // why there is none, and what to do
  bool absent = false;  // there is no file of that name
};

// `expected`: the key that must sign the next seal; nullopt: any will do, and one is made if there is none. Finishes
// the replacement of a key that was interrupted. Throws nothing: a gateway without its key goes on measuring.
KeyOrTrouble open_key(const StoreConfig& config, const std::optional<ledger::PublicKey>& expected);

// The private key, mode 0600, on disk when this returns. Throws Refused.
void write_key(const std::filesystem::path& file, const ledger::SigningKey& key, bool replace);

// kLedgerPublicFile, if it does not say so yet. Failure is nobody's loss: the key is in every seal.
void publish_key(const StoreConfig& config, const ledger::PublicKey& key);

// nullopt: no such file, or no public key in it.
std::optional<ledger::PublicKey> read_public_key(const std::filesystem::path& file);

}  // namespace carbongate::store

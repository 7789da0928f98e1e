#include "gateway/store/key_rotation.h"

#include "gateway/store/database.h"
#include "gateway/store/key_file.h"
#include "gateway/store/ledger_table.h"
#include "gateway/store/known_damage.h"
#include "gateway/store/migrations.h"
#include "gateway/store/store_lock.h"

namespace carbongate::store {

model::Result<ledger::PublicKey> rotate_key(const StoreConfig& config, std::string_view site, bool lost, Instant at) {
  return guarded(config.path, [&] {
    if (!config.ledger_key.empty()) {
      throw Refused("the key is not in a file but in the environment; give it as store.ledger_key_file to replace it");
    }
    const StoreLock lock(config.path);
    Database database(sound(config.path) / kDatabaseFile, Database::Mode::read_write);
    migrate(database);
    LedgerTable table(database, config, site);
    if (!table.key() && !lost) throw Refused(table.trouble());
    const auto next = ledger::SigningKey::generate();
    write_key(next_key_file_of(config), next, true);
    table.hand_over(at, next, lost);
    std::error_code error;
    std::filesystem::rename(next_key_file_of(config), key_file_of(config), error);
    if (error) throw Refused(key_file_of(config).string() + " cannot be replaced: " + error.message());
    publish_key(config, next.public_key());
    return next.public_key();
  });
}

}  // namespace carbongate::store

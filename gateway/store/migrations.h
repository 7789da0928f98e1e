// The schema and its history.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "gateway/store/database.h"

namespace carbongate::store {

// In `meta`: the journal's numbers go on behind this one, though no row has it.
inline constexpr const char* kSequenceFloor = "sequence_floor";

// In `meta`, with a number behind it: no row has the numbers behind that one up to the value.
inline constexpr const char* kLeftOut = "left_out ";

inline constexpr int kSchemaVersion = 14;  // PRAGMA user_version
inline constexpr std::int64_t kApplicationId =
    0x43474154;  // "CGAT" in the header: what `file` and we know our files by

// Brings a database that was just opened for writing to kSchemaVersion, in one transaction; an empty one is set up from
// the start. Returns the version that it had, kSchemaVersion if it was empty. Throws Refused for one of a newer version
// or of another program, and leaves it as it is.
int migrate(Database& database);

// The same check for a reader, which changes nothing: an older version that this program cannot read is refused too.
void require_readable(Database& database);

// Opens the file beside a gateway that may be running, or after it; also where nothing can be written beside it. Throws
// SqliteError (SQLITE_CORRUPT) for damage that a start would repair (known_damage): a part of what is there, without a
// word, is worse than none.
std::unique_ptr<Database> open_for_reading(const std::filesystem::path& file);

// The same whatever damage is known.
std::unique_ptr<Database> open_as_it_is(const std::filesystem::path& file);

}  // namespace carbongate::store

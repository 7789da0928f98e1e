// What is known of damage without reading everything: a note beside the database, its log, rows that are gone. The next
// start repairs it (salvage.h).
//
// The note (kDamageMark) has two lines: the folder for the damaged files, and the cause.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carbongate::store {

inline constexpr const char* kDamageMark = "carbongate.db.damaged";
inline constexpr std::string_view kSetAside = "damaged-";  // and a number: the folder for the damaged files

struct DamageMark {
  std::string folder;
  std::string cause;
};

std::optional<DamageMark> damage_mark(const std::filesystem::path& directory);

// Notes that the database is damaged; not where that is noted already. Throws nothing: where nothing can be written
// there is nothing to repair either.
void mark_damaged(const std::filesystem::path& directory, const std::string& cause) noexcept;

// Damage that the next start repairs: noted; in the log; rows that are gone with the journal's end; a database that is
// gone though a gateway has run on it. nullopt: none. Before this process opens the database.
std::optional<std::string> known_damage(const std::filesystem::path& directory);

// The directory, to be opened for writing by a command: throws Refused where damage is known, because who writes behind
// it takes away what a repair could still read. The caller holds the StoreLock.
const std::filesystem::path& sound(const std::filesystem::path& directory);

// Folders with what starts found damaged, in order of their age: nobody has removed them yet.
std::vector<std::string> set_aside(const std::filesystem::path& directory);

// fsync of a file, or of a directory's list; `flags` to open it by. Where that fails nothing is said.
void sync_path(const std::filesystem::path& path, int flags);

}  // namespace carbongate::store

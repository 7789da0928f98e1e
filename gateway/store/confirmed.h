// How far the journal was confirmed, once more beside the database: by it a start knows of rows that are gone with the
// end of the log, and how many they are, though nothing else is left of them.
//
// The file (kConfirmedFile) is one line of UTF-8 that is written over after each commit:
//
//   file = "carbongate-confirmed" TAB "1" TAB id TAB sequence TAB crc LF
//
// `id` of the store, 16 hex digits; `sequence` of the newest row of a commit that is on disk, 20 digits; `crc`: CRC-32
// over all before it, 8 hex digits. It is never synced: after a power cut it may say less, but never more than what was
// confirmed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "gateway/store/database.h"

namespace carbongate::store {

inline constexpr const char* kConfirmedFile = "carbongate.confirmed";

// Up to which number. nullopt: nobody says, or it is said of another store; `id` 0: of whichever.
std::optional<std::int64_t> confirmed_sequence(const std::filesystem::path& directory, std::int64_t id);

// That rows are gone which were confirmed, in words; nullopt: none, or the database cannot be read. Opens the database:
// to be asked after find_log_damage().
std::optional<std::string> find_lost_rows(const std::filesystem::path& directory);

// One thread. Throws nothing: a disk that does not take it costs nothing but this help.
class ConfirmedFile {
 public:
  ConfirmedFile(const std::filesystem::path& directory, std::int64_t id) noexcept;
  ~ConfirmedFile();
  ConfirmedFile(const ConfirmedFile&) = delete;
  ConfirmedFile& operator=(const ConfirmedFile&) = delete;

  void write(std::int64_t sequence) noexcept;  // which a commit has confirmed

 private:
  struct File;
  std::unique_ptr<File> file_;  // nullptr: it cannot be opened
  std::int64_t id_;
  std::int64_t written_ = -1;
};

}  // namespace carbongate::store

#include "gateway/store/known_damage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>

#include "gateway/store/confirmed.h"
#include "gateway/store/database.h"
#include "gateway/store/log_damage.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {

namespace fs = std::filesystem;

namespace {

// A database that is not there, or has lost all of its bytes, looks as if no gateway had run here. But the public key
// is there only once the first tables are on disk. What merely cannot be looked at, as behind a link to a disk that is
// not mounted yet, is none of this.
std::optional<std::string> find_lost_database(const fs::path& directory) {
  const fs::path file = directory / kDatabaseFile;
  std::error_code error;
  const bool is_missing = fs::symlink_status(file, error).type() == fs::file_type::not_found;
  const bool is_empty = !is_missing && fs::file_size(file, error) == 0 && !error;
  if (!is_missing && !is_empty) return std::nullopt;
  const bool has_run =
      fs::exists(directory / kLedgerPublicFile, error) || confirmed_sequence(directory, 0).value_or(0) != 0;
  if (!has_run) return std::nullopt;
  return fmt::format(
      "{} is {}, and a gateway has run here: all of it is lost. To begin anew, empty the whole directory",
      kDatabaseFile, is_missing ? "missing" : "empty");
}

}  // namespace

void sync_path(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

std::vector<std::string> set_aside(const fs::path& directory) {
  std::vector<std::string> folders;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (name.starts_with(kSetAside)) folders.push_back(std::move(name));
  }
  std::ranges::sort(folders, {}, [](const std::string& name) { return std::pair(name.size(), name); });
  return folders;
}

std::optional<DamageMark> damage_mark(const fs::path& directory) {
  std::ifstream in(directory / kDamageMark);
  if (!in) return std::nullopt;
  DamageMark mark;
  std::getline(in, mark.folder);
  std::getline(in, mark.cause);
  if (!mark.folder.starts_with(kSetAside) || mark.folder.find('/') != std::string::npos) mark.folder = "damaged-0";
  return mark;
}

void mark_damaged(const fs::path& directory, const std::string& cause) noexcept {
  try {
    std::error_code ignored;
    if (fs::exists(directory / kDamageMark, ignored)) return;
    int number = 1;
    while (fs::exists(directory / fmt::format("{}{}", kSetAside, number), ignored)) ++number;
    std::ofstream(directory / kDamageMark) << kSetAside << number << "\n" << cause << "\n";
    sync_path(directory / kDamageMark, O_RDONLY);
    sync_path(directory, O_RDONLY | O_DIRECTORY);
  } catch (const std::exception&) {
    return;
  }
}

std::optional<std::string> known_damage(const fs::path& directory) {
  if (auto mark = damage_mark(directory)) return std::move(mark->cause);
  if (auto lost = find_lost_database(directory)) return lost;
  if (auto in_log = find_log_damage(directory / kDatabaseFile)) return in_log;  // opened, it would be forgotten
  return find_lost_rows(directory);
}

const fs::path& sound(const fs::path& directory) {
  const auto damage = known_damage(directory);
  if (!damage) return directory;
  mark_damaged(directory, *damage);
  throw Refused("it is damaged: " + *damage + "; start the gateway, or 'carbongate repair', which repair it, first");
}

}  // namespace carbongate::store

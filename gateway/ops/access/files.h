// Where access is kept: files of mode 0600 in the store's directory. Everything in here blocks, and may be called on
// any thread; what writes holds the lock, for the gateway and the command line may write at the same time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "config/reader/problem.h"
#include "gateway/model/errors.h"
#include "gateway/ops/access/people.h"

namespace carbongate::access {

inline constexpr std::string_view kUsersFile = "users";
inline constexpr std::string_view kTokensFile = "tokens";

// Held from construction to destruction; others wait for it, at most a few seconds.
class AccessLock {
 public:
  // Throws std::runtime_error, with what failed and where, if there is no such directory or the lock is not to be had.
  explicit AccessLock(const std::filesystem::path& directory);
  ~AccessLock();
  AccessLock(const AccessLock&) = delete;
  AccessLock& operator=(const AccessLock&) = delete;

 private:
  int descriptor_ = -1;
};

// Which state of a file was seen: another file, or another content, differs.
struct FileStamp {
  std::uint64_t inode = 0;  // 0: there is no such file
  std::int64_t bytes = 0;
  std::int64_t changed_ns = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
FileStamp stamp_of(const std::filesystem::path& file);

// The whole file. An absent file is an empty optional without trouble; one that others may read or write, that is no
// file or too big is refused, and `trouble` says why and what to do.
std::optional<std::string> read_private(const std::filesystem::path& file, std::size_t bytes_max, std::string& trouble);

// Mode 0600, whole or not at all, on disk when this returns. Owned by whom the directory belongs to, if that can be, so
// that root may call it for the gateway. Throws std::runtime_error.
void write_private(const std::filesystem::path& file, std::string_view text);

struct People {
  std::vector<User> users;
  std::vector<Token> tokens;
};

// Both files as they are now; absent ones are empty. With errors in `problems` what is returned is of no use.
People read_people(const std::filesystem::path& directory, config::Problems& problems);

// Reads them again when they have changed.
class PeopleFiles {
 public:
  explicit PeopleFiles(std::filesystem::path directory);

  // nullopt: nothing has changed since the last call, or what is there now cannot be used; then `trouble` says why,
  // once for each change.
  std::optional<People> changed(std::string& trouble);

 private:
  std::filesystem::path directory_;
  std::optional<std::pair<FileStamp, FileStamp>> seen_;
};

}  // namespace carbongate::access

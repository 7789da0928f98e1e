// Who may write: one process at a time. Readers (export) do not ask.
#pragma once

#include <filesystem>

namespace carbongate::store {

// Holds the directory from construction to destruction; the kernel releases it when the process dies, however it dies.
class StoreLock {
 public:
  // Makes the directory (mode 0750, its parents with the usual one) if it is missing. Throws Refused, naming the
  // process that holds it for longer than a look takes, or SqliteError if the directory cannot be made or written.
  explicit StoreLock(const std::filesystem::path& directory);
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

 private:
  int descriptor_ = -1;
};

// Whether somebody holds it now.
bool is_locked(const std::filesystem::path& directory) noexcept;

}  // namespace carbongate::store

#include "gateway/store/store_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "gateway/store/database.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {
namespace {

constexpr int kTries = 3;  // is_locked() holds it for a moment
constexpr std::chrono::milliseconds kBetweenTries{20};

[[noreturn]] void fail(const std::filesystem::path& what, int error) {
  throw SqliteError(sqlite_code_of(error), what.string() + ": " + std::strerror(error));
}

void make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  if (std::filesystem::is_directory(directory, error)) return;
  if (directory.has_parent_path()) {
    std::filesystem::create_directories(directory.parent_path(), error);
    if (error) fail(directory.parent_path(), error.value());
  }
  if (::mkdir(directory.c_str(), 0750) != 0 && errno != EEXIST) fail(directory, errno);
}

std::string holder(int descriptor) {
  char text[32];
  const ssize_t length = ::pread(descriptor, text, sizeof text, 0);
  if (length <= 0) return "another process";
  return "process " + std::string(text, static_cast<std::size_t>(length));
}

}  // namespace

StoreLock::StoreLock(const std::filesystem::path& directory) {
  make_directory(directory);
  const std::filesystem::path file = directory / kLockFile;
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (descriptor_ < 0) fail(file, errno);
  bool is_ours = false;
  for (int i = 0; i < kTries && !is_ours; ++i) {
    if (i > 0) std::this_thread::sleep_for(kBetweenTries);
    is_ours = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
  }
  if (!is_ours) {
    const int error = errno;
    const std::string who = holder(descriptor_);
    ::close(descriptor_);
    if (error != EWOULDBLOCK) fail(file, error);
    throw Refused("in use by " + who + "; one gateway per store: stop that one, or give this one another directory");
  }
  // The number is for people only; the lock itself is the kernel's.
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(descriptor_, 0) == 0) (void)!::pwrite(descriptor_, pid.data(), pid.size(), 0);
}

StoreLock::~StoreLock() {
  (void)!::ftruncate(descriptor_, 0);
  ::close(descriptor_);
}

bool is_locked(const std::filesystem::path& directory) noexcept {
  const int descriptor = ::open((directory / kLockFile).c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool is_free = ::flock(descriptor, LOCK_SH | LOCK_NB) == 0;
  ::close(descriptor);
  return !is_free;
}

}  // namespace carbongate::store

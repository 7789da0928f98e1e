#include "gateway/ops/access/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>

namespace carbongate::access {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLockFile = "access.lock";
constexpr std::chrono::milliseconds kLockPause{20};
constexpr int kLockTries = 250;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

[[noreturn]] void fail(const fs::path& path, int error) {
  throw std::runtime_error(path.string() + ": " + std::strerror(error));
}

FileStamp stamp_of(const struct stat& info) {
  return {.inode = info.st_ino,
          .bytes = info.st_size,
          .changed_ns = info.st_ctim.tv_sec * 1'000'000'000LL + info.st_ctim.tv_nsec};
}

void give_to_owner_of_directory(int fd, const fs::path& file) {
  struct stat info{};
  if (::geteuid() != 0 || ::stat(file.parent_path().c_str(), &info) != 0) return;
  if (::fchown(fd, info.st_uid, info.st_gid) != 0) fail(file, errno);
}

void write_all(int fd, std::string_view text, const fs::path& file) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(file, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

AccessLock::AccessLock(const fs::path& directory) {
  const fs::path file = directory / kLockFile;
  Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (lock.get() < 0) fail(file, errno);
  give_to_owner_of_directory(lock.get(), file);
  for (int tries = 0; ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
    if (errno != EWOULDBLOCK && errno != EINTR) fail(file, errno);
    if (tries == kLockTries) throw std::runtime_error(file.string() + ": another process holds it");
    std::this_thread::sleep_for(kLockPause);
  }
  descriptor_ = lock.release();
}

AccessLock::~AccessLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FileStamp stamp_of(const fs::path& file) {
  struct stat info{};
  return ::stat(file.c_str(), &info) == 0 ? stamp_of(info) : FileStamp{};
}

std::optional<std::string> read_private(const fs::path& file, std::size_t bytes_max, std::string& trouble) {
  const auto refuse = [&](const std::string& why) {
    trouble = file.string() + ": " + why;
    return std::nullopt;
  };
  const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (in.get() < 0 && errno == ENOENT) return std::nullopt;
  struct stat info{};
  if (in.get() < 0 || ::fstat(in.get(), &info) != 0) return refuse(std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return refuse("is not a file");
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return refuse("others than its owner may use it; run: chmod 600 " + file.string());
  }
  if (std::cmp_greater(info.st_size, bytes_max)) return refuse("has more than " + std::to_string(bytes_max) + " bytes");
  std::string text(bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(in.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refuse(std::strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > bytes_max) return refuse("has more than " + std::to_string(bytes_max) + " bytes");
  text.resize(size);
  return text;
}

void write_private(const fs::path& file, std::string_view text) {
  const fs::path part = file.string() + ".part";
  ::unlink(part.c_str());  // what a crash left, or somebody planted
  try {
    const Descriptor out(::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (out.get() < 0) fail(part, errno);
    give_to_owner_of_directory(out.get(), part);
    write_all(out.get(), text, part);
    if (::fsync(out.get()) != 0) fail(part, errno);
    if (::rename(part.c_str(), file.c_str()) != 0) fail(file, errno);
  } catch (const std::exception&) {
    ::unlink(part.c_str());
    throw;
  }
  const Descriptor directory(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) fail(file.parent_path(), errno);
}

People read_people(const fs::path& directory, config::Problems& problems) {
  People people;
  const auto read = [&](std::string_view name) {
    const fs::path file = directory / name;
    std::string trouble;
    auto text = read_private(file, kPeopleFileBytesMax, trouble);
    if (!trouble.empty()) problems.error({.file = file.string()}, trouble.substr(file.string().size() + 2));
    return text;
  };
  if (const auto text = read(kUsersFile)) {
    people.users = parse_users(*text, (directory / kUsersFile).string(), problems);
  }
  if (const auto text = read(kTokensFile)) {
    people.tokens = parse_tokens(*text, (directory / kTokensFile).string(), problems);
  }
  return people;
}

PeopleFiles::PeopleFiles(fs::path directory) : directory_(std::move(directory)) {}

std::optional<People> PeopleFiles::changed(std::string& trouble) {
  // Before the reading: what is written meanwhile is seen the next time.
  const std::pair now(access::stamp_of(directory_ / kUsersFile), access::stamp_of(directory_ / kTokensFile));
  if (seen_ == now) return std::nullopt;
  seen_ = now;
  config::Problems problems;
  People people = read_people(directory_, problems);
  if (!problems.has_errors()) return people;
  trouble = problems.to_text();
  return std::nullopt;
}

}  // namespace carbongate::access

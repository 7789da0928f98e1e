#include "config/reader/text_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace carbongate::config {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string why_not(mode_t mode, bool pipe_allowed) {
  if (S_ISREG(mode) || (pipe_allowed && S_ISFIFO(mode))) return "";
  return S_ISDIR(mode) ? "it is a directory" : "it is not a file";
}

}  // namespace

std::optional<std::string> read_text_file(const std::filesystem::path& file, std::size_t bytes_max, std::string& reason,
                                          std::chrono::milliseconds silence_max) {
  const auto fail = [&reason](std::string why) {
    reason = std::move(why);
    return std::nullopt;
  };
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) return fail(std::strerror(errno));
  if (auto why = why_not(info.st_mode, true); !why.empty()) return fail(std::move(why));
  // Without O_NONBLOCK opening a pipe that has no writer would wait for one.
  const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (in.get() < 0) return fail(std::strerror(errno));
  const bool is_pipe = S_ISFIFO(info.st_mode);

  std::string text;
  char buffer[64 << 10];
  while (text.size() < bytes_max) {
    const ssize_t got = ::read(in.get(), buffer, std::min(sizeof buffer, bytes_max - text.size()));
    if (got > 0) {
      text.append(buffer, static_cast<std::size_t>(got));
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN) return fail(std::strerror(errno));
    if (got == 0 && (!is_pipe || !text.empty())) break;  // an empty pipe: perhaps its writer is still to come
    pollfd pipe{.fd = in.get(), .events = POLLIN, .revents = 0};
    if (::poll(&pipe, 1, static_cast<int>(silence_max.count())) <= 0)
      return fail("it is a pipe, and nothing comes out of it");
    if ((pipe.revents & POLLIN) == 0) break;  // closed without a word
  }
  return text;
}

std::string why_unreadable(const std::filesystem::path& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) return std::strerror(errno);
  if (auto why = why_not(info.st_mode, false); !why.empty()) return why;
  return ::access(file.c_str(), R_OK) == 0 ? "" : std::strerror(errno);
}

}  // namespace carbongate::config

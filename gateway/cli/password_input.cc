#include "gateway/cli/password_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ostream>
#include <string>
#include <string_view>

#include "config/reader/text_file.h"

namespace carbongate::cli {
namespace {

constexpr std::size_t kBytesMax = 4096;

// The terminal of this process, whatever its input is; nothing that is typed is shown while this lives.
class SilentTerminal {
 public:
  SilentTerminal() : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (fd_ < 0 || ::tcgetattr(fd_, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_silent_ = ::tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (is_silent_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
    if (fd_ >= 0) ::close(fd_);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

  bool is_there() const { return is_silent_; }

  // nullopt: the terminal has gone, or the line is too long.
  std::optional<std::string> ask(std::string_view question) {
    say(question);
    std::string line;
    char c = 0;
    while (true) {
      const ssize_t got = ::read(fd_, &c, 1);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0 || line.size() == kBytesMax) return std::nullopt;
      if (c == '\n') break;
      line += c;
    }
    say("\n");
    return line;
  }

 private:
  void say(std::string_view text) const { (void)!::write(fd_, text.data(), text.size()); }

  int fd_;
  termios before_{};
  bool is_silent_ = false;
};

std::optional<config::Secret> from_file(const std::filesystem::path& file, std::ostream& err) {
  std::string reason;
  auto text = config::read_text_file(file, kBytesMax + 1, reason);
  if (!text) {
    err << fmt::format("--password-file: cannot read '{}': {}\n", file.string(), reason);
    return std::nullopt;
  }
  text->resize(std::min(text->find_first_of("\r\n"), text->size()));
  return config::Secret(*std::move(text));
}

}  // namespace

std::optional<config::Secret> read_password(const std::filesystem::path& file, std::ostream& err) {
  if (!file.empty()) return from_file(file, err);
  SilentTerminal terminal;
  if (!terminal.is_there()) {
    err << "there is no terminal to ask for the password at; write it to a file and name that by --password-file\n";
    return std::nullopt;
  }
  auto once = terminal.ask("Password: ");
  if (!once) {
    err << "no password was typed\n";
    return std::nullopt;
  }
  const auto again = terminal.ask("Again: ");
  if (once != again) {
    err << "the two are not the same; nothing was changed\n";
    return std::nullopt;
  }
  return config::Secret(*std::move(once));
}

}  // namespace carbongate::cli

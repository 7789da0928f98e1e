#include "gateway/ops/access/audit_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace carbongate::access {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadBytesMax = 64 << 20;  // more than any limit makes a file
constexpr int kFilesSought = 100;

fs::path file_of(const fs::path& directory, int age) {
  if (age == 0) return directory / kAuditFile;
  return directory / ("audit." + std::to_string(age) + ".jsonl");
}

[[noreturn]] void fail(const fs::path& path, int error) {
  throw std::runtime_error(path.string() + ": " + std::strerror(error));
}

std::optional<std::string> read_whole(const fs::path& file) {
  std::string trouble;
  auto text = read_private(file, kReadBytesMax, trouble);
  if (!trouble.empty()) throw std::runtime_error(trouble);
  return text;
}

// Calls `take` with each line from the last to the first, until it says false.
template <class Take>
bool for_lines_backwards(std::string_view text, Take take) {
  while (!text.empty()) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    const auto begin = text.rfind('\n');
    const std::string_view line = begin == std::string_view::npos ? text : text.substr(begin + 1);
    text = text.substr(0, begin == std::string_view::npos ? 0 : begin + 1);
    if (!line.empty() && !take(line)) return false;
  }
  return true;
}

model::Fault fault_of(const std::exception& error) {
  return {.code = make_error_code(boost::system::errc::io_error), .text = std::string("audit log: ") + error.what()};
}

}  // namespace

AuditFile::AuditFile(fs::path directory, AuditLimits limits) : directory_(std::move(directory)), limits_(limits) {}

std::uint64_t AuditFile::last_number(const fs::path& file) const {
  std::uint64_t found = 0;
  const auto text = read_whole(file);
  if (!text) return 0;
  for_lines_backwards(*text, [&found](std::string_view line) {
    const auto entry = parse_audit_line(line);
    if (entry) found = entry->number;
    return !entry;
  });
  return found;
}

void AuditFile::move_on() {
  for (int age = limits_.files_max - 1; age > 0; --age) {
    const fs::path from = file_of(directory_, age - 1);
    const fs::path to = file_of(directory_, age);
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) fail(from, errno);
  }
  if (limits_.files_max <= 1) ::unlink(file_of(directory_, 0).c_str());
}

std::uint64_t AuditFile::append_locked(AuditEntry& entry) {
  const fs::path file = file_of(directory_, 0);
  FileStamp there = stamp_of(file);
  if (there != written_ || there.inode == 0) {  // another process has written, or this is the first line of ours
    number_ = last_number(file);
    for (int age = 1; number_ == 0 && age < limits_.files_max; ++age) number_ = last_number(file_of(directory_, age));
  }
  entry.number = number_ + 1;
  std::string line = to_line(entry);
  if (there.bytes > 0 &&
      std::cmp_greater(there.bytes + static_cast<std::int64_t>(line.size()), limits_.file_bytes_max)) {
    move_on();
    there = {};
  }
  if (there.inode == 0) {
    write_private(file, line);
  } else {
    const int out = ::open(file.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (out < 0) fail(file, errno);
    char last = '\n';
    if (there.bytes > 0 && ::pread(out, &last, 1, there.bytes - 1) == 1 && last != '\n') line.insert(0, "\n");
    const ssize_t written = ::write(out, line.data(), line.size());
    const int error = written < 0 ? errno : ENOSPC;
    const bool is_whole = std::cmp_equal(written, line.size()) && ::fdatasync(out) == 0;
    ::close(out);
    if (!is_whole) fail(file, error);
  }
  written_ = stamp_of(file);
  return number_ = entry.number;
}

model::Result<std::uint64_t> AuditFile::append(AuditEntry entry) {
  try {
    const AccessLock lock(directory_);
    return append_locked(entry);
  } catch (const std::exception& error) {
    return fault_of(error);
  }
}

model::Result<AuditPage> read_audit(const fs::path& directory, std::optional<std::uint64_t> before, std::size_t limit) {
  try {
    AuditPage page;
    const AccessLock lock(directory);  // so that no file moves on between two
    for (int age = 0; age < kFilesSought; ++age) {
      const auto text = read_whole(file_of(directory, age));
      if (!text) break;
      const bool wants_more = for_lines_backwards(*text, [&](std::string_view line) {
        auto entry = parse_audit_line(line);
        if (!entry) {
          ++page.unreadable;
          return true;
        }
        if (before && entry->number >= *before) return true;
        if (page.entries.size() == limit) {
          page.next = page.entries.empty() ? entry->number + 1 : page.entries.back().number;
          return false;
        }
        page.entries.push_back(*std::move(entry));
        return true;
      });
      if (!wants_more) break;
    }
    return page;
  } catch (const std::exception& error) {
    return fault_of(error);
  }
}

}  // namespace carbongate::access

#include "gateway/sinks/file/part.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace carbongate::sinks::file {
namespace {

using Format = tables::TableWriter::Format;

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr mode_t kMode = 0640;

// The digits at the end of a record, without its line feed: behind a comma in CSV, before '}' in JSON.
std::optional<std::uint64_t> sequence_of(std::string_view record, Format format) {
  if (format == Format::jsonl) {
    constexpr std::string_view kKey = "\"sequence\":";
    if (!record.ends_with('}')) return std::nullopt;
    record.remove_suffix(1);
    const std::size_t key = record.rfind(kKey);
    if (key == std::string_view::npos) return std::nullopt;
    record.remove_prefix(key + kKey.size());
  } else {
    const std::size_t comma = record.rfind(',');
    if (comma == std::string_view::npos) return std::nullopt;
    record.remove_prefix(comma + 1);
  }
  std::uint64_t sequence = 0;
  const auto [end, error] = std::from_chars(record.data(), record.data() + record.size(), sequence);
  if (error != std::errc{} || end != record.data() + record.size()) return std::nullopt;
  return sequence;
}

}  // namespace

Trouble::Trouble(const std::string& doing, const std::filesystem::path& path, int error)
    : std::runtime_error(fmt::format("cannot {} {}: {}", doing, path.string(), std::strerror(error))), error_(error) {}

void sync_directory(const std::filesystem::path& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw Trouble("open", directory, errno);
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error != 0) throw Trouble("sync", directory, error);
}

struct Part::Scan {
  std::uint64_t whole = 0;  // bytes of whole records
  std::uint64_t last = 0;   // the highest sequence
  std::uint64_t records = 0;
  std::string header;
};

Part::Part(std::filesystem::path directory, FileName name, std::string_view header)
    : directory_(std::move(directory)), name_(std::move(name)), header_(header) {
  bool is_new = false;
  descriptor_ = ::open(path().c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor_ < 0 && errno == ENOENT) {
    is_new = true;
    descriptor_ = ::open(path().c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
  }
  if (descriptor_ < 0) throw Trouble("open", path(), errno);
  try {
    struct stat found{};
    if (::fstat(descriptor_, &found) != 0) throw Trouble("read", path(), errno);
    const Scan scan = this->scan({});
    cut_off_ = static_cast<std::uint64_t>(found.st_size) - scan.whole;
    if (cut_off_ != 0 && ::ftruncate(descriptor_, static_cast<off_t>(scan.whole)) != 0) {
      throw Trouble("repair", path(), errno);
    }
    synced_.size = written_ = scan.whole;
    synced_.has_rows = has_rows_ = scan.records != 0;
    synced_.last = last_ = std::max(name_.after, scan.last);
    has_our_header_ = scan.whole == 0 || scan.header == header_;
    if (!has_our_header_ && !has_rows_) begin_anew();
    if (written_ == 0) write(header_);
    sync();  // also what the crashed process wrote and did not get to sync
    if (is_new) sync_directory(directory_);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

Part::Part(Part&& other) noexcept
    : directory_(std::move(other.directory_)),
      name_(std::move(other.name_)),
      header_(std::move(other.header_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      written_(other.written_),
      last_(other.last_),
      has_rows_(other.has_rows_),
      synced_(other.synced_),
      cut_off_(other.cut_off_),
      has_our_header_(other.has_our_header_) {}

Part::~Part() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Part::Scan Part::scan(const std::function<bool(std::uint64_t)>& visit) const {
  Scan scan;
  std::vector<char> chunk(kReadBytes);
  std::string record;
  bool is_quoted = false;  // of CSV: a line feed belongs to a cell
  std::uint64_t lines = 0;
  std::uint64_t at = 0;
  while (true) {
    const ssize_t got = ::pread(descriptor_, chunk.data(), chunk.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Trouble("read", path(), errno);
    if (got == 0) return scan;
    for (const char c : std::string_view(chunk.data(), static_cast<std::size_t>(got))) {
      ++at;
      record += c;
      if (c == '"' && name_.format == Format::csv) is_quoted = !is_quoted;
      if (c != '\n' || is_quoted) continue;
      ++lines;
      if (name_.format == Format::csv && lines == 1) {
        scan.header = std::exchange(record, {});
        scan.whole = at;
        continue;
      }
      record.pop_back();
      // A block that was not written before the power went reads as zeros. Anything else is not ours to cut off.
      if (record.find('\0') != std::string::npos) return scan;
      const auto sequence = sequence_of(record, name_.format);
      if (!sequence) {
        throw Trouble(
            fmt::format("{}: record {} is not of this sink's making; move the file away", path().string(), lines),
            EBADMSG);
      }
      record.clear();
      scan.whole = at;
      scan.last = std::max(scan.last, *sequence);
      ++scan.records;
      if (visit && !visit(*sequence)) return scan;
    }
  }
}

void Part::each(const std::function<bool(std::uint64_t)>& visit) const {
  scan(visit);
}

void Part::begin_anew() {
  if (::ftruncate(descriptor_, 0) != 0) throw Trouble("write", path(), errno);
  written_ = 0;
  has_our_header_ = true;
}

void Part::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::pwrite(descriptor_, text.data(), text.size(), static_cast<off_t>(written_));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw Trouble("write", path(), errno);
    written_ += static_cast<std::uint64_t>(put);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

void Part::append(std::string_view records, std::uint64_t last) {
  write(records);
  last_ = std::max(last_, last);
  has_rows_ = true;
}

void Part::sync() {
  if (::fdatasync(descriptor_) != 0) throw Trouble("write", path(), errno);
  synced_ = {written_, last_, has_rows_};
}

void Part::take_back() {
  if (::ftruncate(descriptor_, static_cast<off_t>(synced_.size)) != 0) throw Trouble("repair", path(), errno);
  written_ = synced_.size;
  last_ = synced_.last;
  has_rows_ = synced_.has_rows;
}

bool Part::is_gone() const {
  struct stat found{};
  return ::fstat(descriptor_, &found) != 0 || found.st_nlink == 0;
}

void Part::complete() {
  FileName complete = name_;
  complete.is_complete = true;
  rename(std::move(complete));
}

void Part::begin_on(const std::string& day) {
  if (name_.day == day) return;
  FileName later = name_;
  later.day = day;
  rename(std::move(later));
}

// Never onto a file that is there.
void Part::rename(FileName to) {
  const std::filesystem::path target = directory_ / to.text();
  int done = ::renameat2(AT_FDCWD, path().c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE);
  if (done != 0 && errno == EINVAL) {  // the file system does not know how
    errno = EEXIST;
    if (::access(target.c_str(), F_OK) != 0) done = ::rename(path().c_str(), target.c_str());
  }
  if (done != 0) throw Trouble("rename " + path().string() + " to", target, errno);
  name_ = std::move(to);
  sync_directory(directory_);
}

}  // namespace carbongate::sinks::file

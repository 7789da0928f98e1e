#include "gateway/sinks/file/row_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>
#include <tuple>
#include <utility>

#include "config/reader/byte_size.h"
#include "gateway/tables/row_cells.h"

namespace carbongate::sinks::file {
namespace {

namespace fs = std::filesystem;
using tables::Kind;

constexpr std::string_view kMark = ".carbongate";  // whose directory it is
constexpr tables::TableWriter::Column kSequence{"sequence", tables::TableWriter::Type::number};

// Those of an export, and the sequence.
const std::vector<tables::TableWriter::Column>& row_columns(Kind kind) {
  static const auto kAll = [] {
    std::array<std::vector<tables::TableWriter::Column>, tables::kKinds.size()> all;
    for (const Kind each : tables::kKinds) {
      const auto columns = tables::columns_of(each);
      auto& ours = all.at(static_cast<std::size_t>(each));
      ours.assign(columns.begin(), columns.end());
      ours.push_back(kSequence);
    }
    return all;
  }();
  return kAll.at(static_cast<std::size_t>(kind));
}

// Whether that is the open file's name.
bool holds(const fs::path& path, int descriptor) {
  struct stat named{};
  struct stat opened{};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(descriptor, &opened) == 0 && named.st_dev == opened.st_dev &&
         named.st_ino == opened.st_ino;
}

}  // namespace

// Rows of one kind, as they are written.
struct RowFiles::Lines {
  Kind kind{};
  std::vector<std::string> records;
  std::vector<std::uint64_t> sequences;
};

RowFiles::~RowFiles() {
  if (lock_ >= 0) ::close(lock_);
}

std::vector<ports::RejectedRow> RowFiles::write(std::span<const model::StoredRow> rows, Instant now, bool again) {
  if (!time_) time_.emplace(config_.time_zone);
  const std::string day = (*time_)(now).substr(0, std::size("2026-11-28") - 1);
  open();
  std::vector<ports::RejectedRow> rejected;
  try {
    replace_what_is_gone();
    for (const Kind kind : tables::kKinds) {
      if (const auto part = parts_.find(kind); part != parts_.end() && is_due(part->second, day)) complete(kind, day);
      append(render(kind, rows, day, again, rejected), day);
    }
  } catch (...) {
    take_back();
    throw;
  }
  return rejected;
}

RowFiles::Lines RowFiles::render(Kind kind, std::span<const model::StoredRow> rows, const std::string& day, bool again,
                                 std::vector<ports::RejectedRow>& rejected) {
  Lines lines{kind, {}, {}};
  std::optional<std::set<std::uint64_t>> there;
  std::ostringstream text;
  tables::TableWriter writer(text, config_.format, row_columns(kind), tables::TableWriter::Header::absent);
  tables::RowCells cells(writer, *time_);
  for (const model::StoredRow& row : rows) {
    if (tables::kind_of(row.body) != kind) continue;
    if (!tables::knows_carrier(row)) {
      rejected.push_back({row.sequence, "amounts of '" + row.series->carrier + "', which this program does not know"});
      continue;
    }
    const Part& part = part_of(kind, day);
    if (again && !there) {
      there.emplace();
      part.each([&](std::uint64_t sequence) { return there->insert(sequence), true; });
    }
    if (again ? there->contains(row.sequence) : row.sequence <= part.last()) continue;
    cells.write(row);
    writer.cell(std::to_string(row.sequence));
    writer.flush();
    lines.records.push_back(text.str());
    lines.sequences.push_back(row.sequence);
    text.str({});
  }
  return lines;
}

// A file that somebody removed takes no more rows: they would be lost with it.
void RowFiles::replace_what_is_gone() {
  for (auto part = parts_.begin(); part != parts_.end();) {
    if (!part->second.is_gone()) {
      ++part;
      continue;
    }
    last_of_complete_[part->first] = part->second.last();
    part = parts_.erase(part);
  }
}

void RowFiles::take_back() {
  try {
    for (auto& [kind, part] : parts_) part.take_back();
  } catch (const Trouble&) {
    forget();  // opening the files anew repairs them
  }
}

void RowFiles::open() {
  if (lock_ >= 0 && !holds(config_.directory / kMark, lock_)) leave();
  if (lock_ >= 0) return;
  try {
    lock();
  } catch (...) {  // how far it was in a directory that was moved away is still true
    unlock();
    throw;
  }
  try {
    recover();
    count();
  } catch (...) {
    forget();
    throw;
  }
}

// Somebody removed the directory, or moved it away. Rows go on where they were, into another one of that name.
void RowFiles::leave() {
  for (const auto& [kind, part] : parts_) last_of_complete_[kind] = part.last();
  parts_.clear();
  unlock();
  news_.push_back("its directory was removed or moved away, and is made again");
}

void RowFiles::forget() {
  parts_.clear();
  last_of_complete_.clear();
  unlock();
}

void RowFiles::unlock() {
  if (lock_ >= 0) ::close(std::exchange(lock_, -1));
}

// One gateway, with one store: another one's sequences would be taken for rows that are there already.
void RowFiles::lock() {
  std::error_code error;
  fs::create_directories(config_.directory, error);
  if (error) throw Trouble("make", config_.directory, error.value());
  const fs::path mark = config_.directory / kMark;
  lock_ = ::open(mark.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (lock_ < 0) throw Trouble("open", mark, errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    throw Trouble(
        config_.directory.string() + " is in use by another gateway or sink; give each a directory of its own", EBUSY);
  }
  std::string owner(64, '\0');
  const ssize_t got = ::pread(lock_, owner.data(), owner.size(), 0);
  if (got < 0) throw Trouble("read", mark, errno);
  owner.resize(static_cast<std::size_t>(got));
  while (owner.ends_with('\n') || owner.ends_with('\0')) owner.pop_back();
  if (owner == store_) return;
  if (!owner.empty()) {
    throw Trouble(fmt::format("{} holds rows of another store ({}; this one is {}); give this sink another directory",
                              config_.directory.string(), owner, store_),
                  EEXIST);
  }
  const std::string text = store_ + "\n";
  if (::pwrite(lock_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) || ::fsync(lock_) != 0) {
    throw Trouble("write", mark, errno);
  }
  sync_directory(config_.directory);
}

// What a process before this one left, of either format. Of two parts of a kind the later one was begun because the
// other was complete.
void RowFiles::recover() {
  std::map<Kind, std::vector<FileName>> parts;
  std::map<Kind, FileName> newest;
  std::error_code error;
  for (fs::directory_iterator file(config_.directory, error), end; !error && file != end; file.increment(error)) {
    const auto name = FileName::parse(file->path().filename().string());
    if (!name) continue;
    if (!name->is_complete) {
      parts[name->kind].push_back(*name);
    } else if (const auto [known, is_first] = newest.try_emplace(name->kind, *name);
               !is_first && known->second.after <= name->after) {
      known->second = *name;
    }
  }
  if (error) throw Trouble("read", config_.directory, error.value());
  for (auto& [kind, names] : parts) recover(kind, names);
  for (const auto& [kind, name] : newest) {
    if (parts_.contains(kind) || last_of_complete_.contains(kind)) continue;
    last_of_complete_[kind] = Part(config_.directory, name, header_of(name)).last();
  }
}

// The last one goes on, if it is as this process would write it; of one place that is the one of the present format.
void RowFiles::recover(Kind kind, std::vector<FileName>& names) {
  std::ranges::sort(names, {}, [this](const FileName& name) {
    return std::tuple(name.after, name.format == config_.format, name.day);
  });
  std::uint64_t last = last_of_complete_[kind];
  std::vector<FileName> without_rows;
  for (const FileName& name : names) {
    Part part(config_.directory, name, header_of(name));
    if (part.cut_off() != 0) {
      news_.push_back(
          fmt::format("{}: cut off {} bytes of a row that was not written to its end", name.text(), part.cut_off()));
    }
    last = std::max(last, part.last());
    const bool goes_on = &name == &names.back() && name.format == config_.format && part.has_our_header();
    if (goes_on && part.last() == last) {
      parts_.emplace(kind, std::move(part));
    } else if (part.has_rows()) {
      part.complete();
    } else {
      without_rows.push_back(name);
    }
  }
  last_of_complete_[kind] = last;
  part_of(kind, names.back().day);  // says up to where rows were written, before another one ceases to
  for (const FileName& name : without_rows) {
    std::error_code error;
    fs::remove(config_.directory / name.text(), error);
    if (error) throw Trouble("remove", config_.directory / name.text(), error.value());
  }
}

void RowFiles::count() {
  complete_ = {};
  std::error_code error;
  for (fs::directory_iterator file(config_.directory, error), end; !error && file != end; file.increment(error)) {
    const auto name = FileName::parse(file->path().filename().string());
    if (!name || !name->is_complete) continue;
    std::error_code gone;
    const auto bytes = file->file_size(gone);
    if (gone) continue;  // somebody took it away meanwhile
    complete_.files.emplace(std::pair(name->after, *name), bytes);
    complete_.bytes += bytes;
  }
  if (error) throw Trouble("read", config_.directory, error.value());
}

std::string_view RowFiles::header_of(const FileName& name) {
  if (name.format != tables::TableWriter::Format::csv) return {};
  const auto [header, is_new] = headers_.try_emplace(name.kind);
  if (is_new) {
    std::ostringstream text;
    tables::TableWriter(text, name.format, row_columns(name.kind)).flush();
    header->second = text.str();
  }
  return header->second;
}

Part& RowFiles::part_of(Kind kind, const std::string& day) {
  if (const auto part = parts_.find(kind); part != parts_.end()) return part->second;
  const FileName name{.kind = kind, .day = day, .after = last_of_complete_[kind], .format = config_.format};
  return parts_.emplace(kind, Part(config_.directory, name, header_of(name))).first->second;
}

bool RowFiles::is_due(const Part& part, const std::string& day) const {
  if (!part.has_rows() || part.last() == part.name().after) return false;
  return part.size() >= config_.rotate_bytes || (config_.rotate_daily && part.name().day != day);
}

void RowFiles::append(const Lines& lines, const std::string& day) {
  std::size_t next = 0;
  while (next < lines.records.size()) {
    Part* part = &part_of(lines.kind, day);
    if (is_due(*part, day)) {
      complete(lines.kind, day);
      part = &part_of(lines.kind, day);
    }
    if (!part->has_rows()) part->begin_on(day);
    std::string text;
    const std::size_t first = next;
    while (next < lines.records.size() && (next == first || part->size() + text.size() < config_.rotate_bytes)) {
      text += lines.records[next++];
    }
    make_room_for_bytes(text.size());
    part->append(text, lines.sequences[next - 1]);
    part->sync();
  }
}

// The next part is made first: it says up to where rows were written, also when somebody takes the complete file away.
void RowFiles::complete(Kind kind, const std::string& day) {
  make_room_for_file();
  Part done = std::move(parts_.at(kind));
  parts_.erase(kind);
  last_of_complete_[kind] = done.last();
  try {
    part_of(kind, day);
    done.complete();
  } catch (...) {
    forget();  // both are found again as parts
    throw;
  }
  complete_.files.emplace(std::pair(done.name().after, done.name()), done.size());
  complete_.bytes += done.size();
}

void RowFiles::make_room_for_bytes(std::uint64_t bytes) {
  const auto total = [&] {
    std::uint64_t sum = complete_.bytes + bytes;
    for (const auto& [kind, part] : parts_) sum += part.size();
    return sum;
  };
  if (total() <= config_.size_max) return;
  count();
  while (total() > config_.size_max && remove_oldest()) {
  }
  if (total() <= config_.size_max) return;
  throw Trouble(fmt::format("{} is full: {} complete files, {} bytes in all, and `size_max` is {}; take files "
                            "away, or set `keep: newest`",
                            config_.directory.string(), complete_.files.size(), total() - bytes,
                            config::format_byte_size(config_.size_max)),
                ENOSPC);
}

void RowFiles::make_room_for_file() {
  if (complete_.files.size() < config_.files_max) return;
  count();
  while (complete_.files.size() >= config_.files_max && remove_oldest()) {
  }
  if (complete_.files.size() < config_.files_max) return;
  throw Trouble(
      fmt::format("{} is full: {} complete files, as many as `files_max` allows; take files away, or set `keep: "
                  "newest`",
                  config_.directory.string(), complete_.files.size()),
      ENOSPC);
}

// False: there is none, or it is not to be removed.
bool RowFiles::remove_oldest() {
  if (config_.keep != Config::Keep::newest || complete_.files.empty()) return false;
  const auto oldest = complete_.files.begin();
  const std::string name = oldest->first.second.text();
  if (::unlink((config_.directory / name).c_str()) != 0 && errno != ENOENT) {
    throw Trouble("remove", config_.directory / name, errno);
  }
  news_.push_back(name + " was removed to make room");
  complete_.bytes -= oldest->second;
  complete_.files.erase(oldest);
  return true;
}

}  // namespace carbongate::sinks::file

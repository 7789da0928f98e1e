#include "gateway/store/confirmed.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "gateway/store/byte_code.h"
#include "gateway/store/cursor_table.h"
#include "gateway/store/migrations.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBegin = "carbongate-confirmed\t1\t";
constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kSequenceDigits = 20;

std::string line(std::int64_t id, std::int64_t sequence) {
  std::string text = fmt::format("{}{:016x}\t{:020}\t", kBegin, static_cast<std::uint64_t>(id), sequence);
  return text + fmt::format("{:08x}\n", crc_of(text));
}

std::int64_t number_in(std::string_view digits, int base) {
  std::int64_t number = -1;
  std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  return number;
}

}  // namespace

std::optional<std::int64_t> confirmed_sequence(const fs::path& directory, std::int64_t id) {
  std::ifstream in(directory / kConfirmedFile, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!text.starts_with(kBegin) || text.size() != line(0, 0).size()) return std::nullopt;
  const std::string_view cells = std::string_view(text).substr(kBegin.size());
  const std::int64_t of = number_in(cells.substr(0, kIdDigits), 16);
  const std::int64_t sequence = number_in(cells.substr(kIdDigits + 1, kSequenceDigits), 10);
  const bool is_whole = of > 0 && sequence >= 0 && text == line(of, sequence);
  return is_whole && (id == 0 || id == of) ? std::optional(sequence) : std::nullopt;
}

std::optional<std::string> find_lost_rows(const fs::path& directory) {
  std::error_code error;
  if (!confirmed_sequence(directory, 0) || !fs::exists(directory / kDatabaseFile, error)) return std::nullopt;
  try {
    Database database(directory / kDatabaseFile, Database::Mode::read_only);
    if (database.integer("PRAGMA user_version") > kSchemaVersion) return std::nullopt;  // not ours to judge
    const bool has_tables = database.integer("SELECT count(*) FROM sqlite_master WHERE name = 'meta'") != 0;
    const auto confirmed =
        confirmed_sequence(directory, has_tables ? database.integer("SELECT value FROM meta WHERE name = 'id'") : 0);
    const std::int64_t last = has_tables ? last_sequence_of(database) : 0;  // read last: a gateway may be writing
    if (!confirmed || *confirmed <= last) return std::nullopt;
    return fmt::format(
        "{} ends with row {}, and {} were confirmed: its log was cut short or taken away, or an older copy was put in "
        "its place",
        kDatabaseFile, last, *confirmed);
  } catch (const SqliteError&) {  // said by whoever opens it to work with it
    return std::nullopt;
  }
}

// By SQLite's file system, so that whatever stands in for a disk has these writes too.
struct ConfirmedFile::File {
  explicit File(const std::string& path)
      : name(sqlite3_create_filename(path.c_str(), "", "", 0, nullptr)),
        system(sqlite3_vfs_find(nullptr)),
        memory(static_cast<std::size_t>(system->szOsFile)) {
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MAIN_DB;
    is_open = name && system->xOpen(system, name, sqlite(), kFlags, nullptr) == SQLITE_OK;
  }
  ~File() {
    if (is_open) sqlite()->pMethods->xClose(sqlite());
    sqlite3_free_filename(name);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  sqlite3_file* sqlite() { return reinterpret_cast<sqlite3_file*>(memory.data()); }

  sqlite3_filename name;
  sqlite3_vfs* system;
  std::vector<char> memory;  // what a file of that system is to it; new memory is aligned for all
  bool is_open = false;
};

ConfirmedFile::ConfirmedFile(const fs::path& directory, std::int64_t id) noexcept : id_(id) {
  try {
    const std::string path = fs::absolute(directory / kConfirmedFile).string();
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);  // SQLite would let everyone read
    if (descriptor < 0) return;
    ::close(descriptor);
    auto file = std::make_unique<File>(path);
    if (file->is_open) file_ = std::move(file);
  } catch (const std::exception&) {
    return;
  }
}

ConfirmedFile::~ConfirmedFile() = default;

void ConfirmedFile::write(std::int64_t sequence) noexcept {
  if (!file_ || sequence == written_) return;
  try {
    const std::string text = line(id_, sequence);
    const int code = file_->sqlite()->pMethods->xWrite(file_->sqlite(), text.data(), static_cast<int>(text.size()), 0);
    if (code == SQLITE_OK) written_ = sequence;
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace carbongate::store

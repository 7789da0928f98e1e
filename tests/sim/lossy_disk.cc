#include "tests/sim/lossy_disk.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace carbongate::sim {
namespace {

constexpr std::size_t kSectorBytes = 512;

}  // namespace

struct LossyDisk::State {
  struct Change {
    std::int64_t at = 0;     // byte
    std::string bytes;       // written there; of a truncation: none
    bool truncates = false;  // the file ends at `at`
  };
  struct File {
    std::uint64_t inode = 0;       // another one: a file that was moved there
    std::string synced;            // what the disk holds for sure
    std::vector<Change> unsynced;  // in the order of writing
  };

  static void apply(std::string& content, const Change& change) {
    const auto at = static_cast<std::size_t>(change.at);
    if (change.truncates) {
      content.resize(at, '\0');
      return;
    }
    if (content.size() < at + change.bytes.size()) content.resize(at + change.bytes.size(), '\0');
    content.replace(at, change.bytes.size(), change.bytes);
  }

  File& file(const std::string& name) { return files.at(name); }

  void opened(const std::string& name) {
    struct stat info{};
    const std::uint64_t inode = ::stat(name.c_str(), &info) == 0 ? info.st_ino : 0;
    const auto [found, is_new] = files.try_emplace(name);
    if (!is_new && found->second.inode == inode) return;
    std::ifstream in(name, std::ios::binary);
    std::string content(static_cast<std::size_t>(inode == 0 ? 0 : info.st_size), '\0');
    if (!in.read(content.data(), static_cast<std::streamsize>(content.size()))) content.clear();
    found->second = {.inode = inode, .synced = std::move(content), .unsynced = {}};
  }

  // One more write or sync is asked for.
  bool dies() {
    if (writes_left && (*writes_left)-- == 0) {
      is_dead = true;
      writes_left.reset();
    }
    return is_dead;
  }
  bool takes_failure() { return failures_left > 0 && failures_left-- > 0; }

  std::map<std::string, File> files;
  bool is_dead = false;
  std::optional<std::uint64_t> writes_left;  // before the power cut
  bool lies = false;
  Fault fault = Fault::full;
  std::uint64_t failures_left = 0;
  Statistics statistics;
};

namespace {

LossyDisk::State* g_state = nullptr;  // SQLite's file systems have no closures
sqlite3_vfs* g_below = nullptr;

// SQLite allocates it: our part, then that of the file system below.
struct OpenFile {
  sqlite3_file base;
  std::string* name;  // nullptr: a temporary file, or shared memory, which no power cut leaves anything of
  sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

OpenFile* mine(sqlite3_file* file) {
  return reinterpret_cast<OpenFile*>(file);
}
sqlite3_file* below(sqlite3_file* file) {
  return mine(file)->below();
}

int failure() {
  return g_state->fault == LossyDisk::Fault::full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

int close_file(sqlite3_file* file) {
  const int code = below(file)->pMethods ? below(file)->pMethods->xClose(below(file)) : SQLITE_OK;
  delete mine(file)->name;
  mine(file)->name = nullptr;
  return code;
}

int read_file(sqlite3_file* file, void* bytes, int size, sqlite3_int64 at) {
  return below(file)->pMethods->xRead(below(file), bytes, size, at);
}

int write_file(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
  if (mine(file)->name) {
    if (g_state->dies()) return SQLITE_OK;
    if (g_state->takes_failure()) return failure();
    g_state->file(*mine(file)->name)
        .unsynced.push_back({at, std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size)), false});
  }
  return below(file)->pMethods->xWrite(below(file), bytes, size, at);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (mine(file)->name) {
    if (g_state->is_dead) return SQLITE_OK;
    g_state->file(*mine(file)->name).unsynced.push_back({size, {}, true});
  }
  return below(file)->pMethods->xTruncate(below(file), size);
}

int sync_file(sqlite3_file* file, int) {
  if (!mine(file)->name || g_state->dies()) return SQLITE_OK;
  if (g_state->takes_failure()) return g_state->fault == LossyDisk::Fault::full ? SQLITE_FULL : SQLITE_IOERR_FSYNC;
  ++g_state->statistics.syncs;
  if (g_state->lies) return SQLITE_OK;
  auto& known = g_state->file(*mine(file)->name);
  for (const auto& change : known.unsynced) LossyDisk::State::apply(known.synced, change);
  known.unsynced.clear();
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return below(file)->pMethods->xFileSize(below(file), size);
}
int lock(sqlite3_file* file, int level) {
  return below(file)->pMethods->xLock(below(file), level);
}
int unlock(sqlite3_file* file, int level) {
  return below(file)->pMethods->xUnlock(below(file), level);
}
int check_reserved_lock(sqlite3_file* file, int* result) {
  return below(file)->pMethods->xCheckReservedLock(below(file), result);
}
int file_control(sqlite3_file* file, int what, void* argument) {
  if (what == SQLITE_FCNTL_SIZE_HINT || what == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_OK;  // would write past us
  return below(file)->pMethods->xFileControl(below(file), what, argument);
}
int sector_size(sqlite3_file*) {
  return static_cast<int>(kSectorBytes);
}
int device_characteristics(sqlite3_file*) {
  return 0;  // no promise whatever
}
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  return below(file)->pMethods->xShmMap(below(file), page, size, extend, memory);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return below(file)->pMethods->xShmLock(below(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) {
  below(file)->pMethods->xShmBarrier(below(file));
}
int shm_unmap(sqlite3_file* file, int remove) {
  return below(file)->pMethods->xShmUnmap(below(file), remove);
}

// Version 2: without memory-mapped reading and writing.
constexpr sqlite3_io_methods kMethods = {2,
                                         close_file,
                                         read_file,
                                         write_file,
                                         truncate_file,
                                         sync_file,
                                         file_size,
                                         lock,
                                         unlock,
                                         check_reserved_lock,
                                         file_control,
                                         sector_size,
                                         device_characteristics,
                                         shm_map,
                                         shm_lock,
                                         shm_barrier,
                                         shm_unmap,
                                         nullptr,
                                         nullptr};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  OpenFile* opened = mine(file);
  opened->name = nullptr;
  std::memset(opened->below(), 0, static_cast<std::size_t>(g_below->szOsFile));
  const int code = g_below->xOpen(g_below, name, opened->below(), flags, out_flags);
  file->pMethods = nullptr;
  if (code != SQLITE_OK) return code;
  file->pMethods = &kMethods;
  if (name && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL))) {
    opened->name = new std::string(name);
    g_state->opened(name);
  }
  return SQLITE_OK;
}

// Directories are taken to be written at once: a file that SQLite deletes is one that it no longer needs.
int delete_file(sqlite3_vfs*, const char* name, int sync_directory) {
  if (g_state->is_dead) return SQLITE_OK;
  g_state->files.erase(name);
  return g_below->xDelete(g_below, name, sync_directory);
}

sqlite3_vfs g_vfs = {};

}  // namespace

LossyDisk::LossyDisk() : state_(std::make_shared<State>()) {
  if (g_state) throw std::logic_error("there is a lossy disk already");
  g_state = state_.get();
  g_below = sqlite3_vfs_find("unix");
  g_vfs = *g_below;
  g_vfs.zName = "lossy";
  g_vfs.szOsFile = static_cast<int>(sizeof(OpenFile)) + g_below->szOsFile;
  g_vfs.pNext = nullptr;
  g_vfs.xOpen = open_file;
  g_vfs.xDelete = delete_file;
  sqlite3_vfs_register(&g_vfs, 1);
}

LossyDisk::~LossyDisk() {
  sqlite3_vfs_unregister(&g_vfs);
  sqlite3_vfs_register(g_below, 1);
  g_state = nullptr;
}

void LossyDisk::cut_power(std::uint64_t writes) {
  if (writes == 0) {
    state_->is_dead = true;
  } else {
    state_->writes_left = writes;
  }
}

bool LossyDisk::is_dead() const {
  return state_->is_dead;
}

void LossyDisk::restore_power(std::mt19937_64& random) {
  for (auto& [name, file] : state_->files) {
    std::error_code ignored;
    if (!std::filesystem::exists(name, ignored)) continue;  // moved away
    std::string content = std::move(file.synced);
    for (const State::Change& change : file.unsynced) {
      if (change.truncates) {
        if (random() % 2 == 0) State::apply(content, change);
        continue;
      }
      for (std::size_t at = 0; at < change.bytes.size(); at += kSectorBytes) {
        if (random() % 2 == 0) {
          ++state_->statistics.sectors_lost;
          continue;
        }
        ++state_->statistics.sectors_kept;
        const State::Change sector{change.at + static_cast<std::int64_t>(at), change.bytes.substr(at, kSectorBytes),
                                   false};
        State::apply(content, sector);
      }
    }
    std::ofstream(name, std::ios::binary | std::ios::trunc) << content;
    std::filesystem::remove(name + "-shm", ignored);
  }
  state_->files.clear();
  state_->is_dead = false;
  state_->writes_left.reset();
  state_->failures_left = 0;
}

void LossyDisk::fail(Fault fault, std::uint64_t writes) {
  state_->fault = fault;
  state_->failures_left = writes;
}

void LossyDisk::lie() {
  state_->lies = true;
}

LossyDisk::Statistics LossyDisk::statistics() const {
  return state_->statistics;
}

}  // namespace carbongate::sim

/* A disk that loses at a power cut what was not synced: LD_PRELOAD for the real daemon on a real file system.
 *
 *   POWER_CUT_BELOW=DIRECTORY    files in there are kept track of: an absolute path without symbolic links
 *   POWER_CUT_AFTER=N            the power fails in the Nth write, truncation or sync of them
 *   POWER_CUT_SEED=S             decides what is lost
 *
 * At the cut each of the files gets back what it held when it was synced last, and of the writes since then any subset
 * of their sectors, of 512 bytes or 4 KiB; then the process ends with status 137. Making, moving and deleting a file,
 * and emptying it while opening, are taken to be written at once. The same model as that of tests/sim/lossy_disk.cc,
 * one floor below it: here SQLite's own file system and the gateway's other files are in it too.
 *
 * Files are told apart by their inode; a descriptor of our own keeps it from being used again, and is never closed,
 * because that would release the locks of the process.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kFilesMax = 4096, kSmallSector = 512, kLargeSector = 4096, kEndsByPowerCut = 137 };

/* What is there in one stretch of a file: before the first unsynced change to it, or by a write. */
struct Piece {
  struct Piece* next;
  off_t at;
  size_t length; /* of a truncation: 0, and the file ends at `at` */
  bool truncates;
  char bytes[];
};

struct File {
  dev_t device;
  ino_t inode;
  int descriptor; /* -1: not below the directory */
  bool is_dirty;  /* something was changed since the last sync */
  off_t synced_size;
  struct Piece* before;  /* newest first: undone in this order, the oldest content comes back last */
  struct Piece* changes; /* oldest first */
  struct Piece** last;
};

static struct File g_files[kFilesMax];
static size_t g_file_count;
static char g_below[4096];
static unsigned long g_left; /* operations before the cut; 0: no cut */
static uint64_t g_random;
static pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t (*real_write)(int, const void*, size_t);
static ssize_t (*real_writev)(int, const struct iovec*, int);
static ssize_t (*real_pwrite)(int, const void*, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

_Noreturn static void give_up(const char* what) {
  fprintf(stderr, "power_cut: %s: %s\n", what, strerror(errno));
  abort();
}

static void* symbol(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  if (found == NULL) give_up(name);
  return found;
}

__attribute__((constructor)) static void begin(void) {
  real_write = symbol("write");
  real_writev = symbol("writev");
  real_pwrite = symbol("pwrite64");
  real_ftruncate = symbol("ftruncate64");
  real_fsync = symbol("fsync");
  real_fdatasync = symbol("fdatasync");
  const char* below = getenv("POWER_CUT_BELOW");
  const char* after = getenv("POWER_CUT_AFTER");
  const char* seed = getenv("POWER_CUT_SEED");
  if (below == NULL || after == NULL || seed == NULL) return;
  snprintf(g_below, sizeof g_below, "%s/", below);
  g_left = strtoul(after, NULL, 10);
  g_random = strtoull(seed, NULL, 10);
}

/* splitmix64 */
static uint64_t next_random(void) {
  uint64_t z = (g_random += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

static bool is_below(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return false;
  path[length] = '\0';
  return strncmp(path, g_below, strlen(g_below)) == 0;
}

/* NULL: not one of ours. */
static struct File* file_of(int descriptor) {
  struct stat info;
  if (g_left == 0 || fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) return NULL;
  for (size_t i = 0; i < g_file_count; ++i) {
    struct File* file = &g_files[i];
    if (file->inode == info.st_ino && file->device == info.st_dev) return file->descriptor < 0 ? NULL : file;
  }
  if (g_file_count == kFilesMax) give_up("too many files");
  struct File* file = &g_files[g_file_count++];
  *file = (struct File){.device = info.st_dev, .inode = info.st_ino, .descriptor = -1, .last = &file->changes};
  if (!is_below(descriptor)) return NULL;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  file->descriptor = open(link, O_RDWR | O_CLOEXEC);
  if (file->descriptor < 0) give_up("a second descriptor");
  return file;
}

static struct Piece* make_piece(off_t at, size_t length) {
  struct Piece* piece = malloc(sizeof *piece + length);
  if (piece == NULL) give_up("memory");
  *piece = (struct Piece){.at = at, .length = length};
  return piece;
}

static off_t size_of(const struct File* file) {
  struct stat info;
  if (fstat(file->descriptor, &info) != 0) give_up("size of a file");
  return info.st_size;
}

/* Before bytes from `at` to `end` change or go. */
static void keep(struct File* file, off_t at, off_t end) {
  const off_t size = size_of(file);
  if (!file->is_dirty) {
    file->is_dirty = true;
    file->synced_size = size;
  }
  if (end > size) end = size;
  if (at >= end) return;
  struct Piece* piece = make_piece(at, (size_t)(end - at));
  if (pread(file->descriptor, piece->bytes, piece->length, at) != (ssize_t)piece->length)
    give_up("reading what was there");
  piece->next = file->before;
  file->before = piece;
}

static void note(struct File* file, struct Piece* change) {
  *file->last = change;
  file->last = &change->next;
}

static void note_write(struct File* file, off_t at, const void* bytes, size_t length) {
  struct Piece* change = make_piece(at, length);
  memcpy(change->bytes, bytes, length);
  note(file, change);
}

static void forget(struct Piece** pieces) {
  while (*pieces != NULL) {
    struct Piece* piece = *pieces;
    *pieces = piece->next;
    free(piece);
  }
}

static void synced(struct File* file) {
  file->is_dirty = false;
  forget(&file->before);
  forget(&file->changes);
  file->last = &file->changes;
}

static void put(const struct File* file, const char* bytes, size_t length, off_t at) {
  if (real_pwrite(file->descriptor, bytes, length, at) != (ssize_t)length) give_up("putting back");
}

static unsigned long g_sectors, g_lost;

static void lose(struct File* file, size_t sector, unsigned lost_of_ten) {
  for (const struct Piece* piece = file->before; piece != NULL; piece = piece->next) {
    put(file, piece->bytes, piece->length, piece->at);
  }
  if (real_ftruncate(file->descriptor, file->synced_size) != 0) give_up("putting the size back");
  for (const struct Piece* change = file->changes; change != NULL; change = change->next) {
    if (change->truncates) {
      if (next_random() % 10 >= lost_of_ten && real_ftruncate(file->descriptor, change->at) != 0) give_up("truncating");
      continue;
    }
    for (size_t done = 0; done < change->length;) {
      const off_t at = change->at + (off_t)done;
      size_t length = sector - (size_t)at % sector;
      if (length > change->length - done) length = change->length - done;
      ++g_sectors;
      if (next_random() % 10 >= lost_of_ten) {
        put(file, change->bytes + done, length, at);
      } else {
        ++g_lost;
      }
      done += length;
    }
  }
}

/* Once for each write, truncation or sync, when it is noted and before it has ended. */
static void count(void) {
  if (--g_left > 0) return;
  static const unsigned kLostOfTen[] = {1, 5, 9, 10};
  const size_t sector = next_random() % 2 == 0 ? kSmallSector : kLargeSector;
  const unsigned lost_of_ten = kLostOfTen[next_random() % 4];
  for (size_t i = 0; i < g_file_count; ++i) {
    if (g_files[i].is_dirty) lose(&g_files[i], sector, lost_of_ten);
  }
  char text[160];
  const int length = snprintf(text, sizeof text, "power cut: %lu of %lu unsynced sectors of %zu bytes lost\n", g_lost,
                              g_sectors, sector);
  (void)!real_write(STDERR_FILENO, text, (size_t)length);
  _exit(kEndsByPowerCut); /* with the lock held: no other thread writes any more */
}

ssize_t write(int descriptor, const void* bytes, size_t length) {
  const struct iovec one = {(void*)bytes, length};
  return writev(descriptor, &one, 1);
}

ssize_t writev(int descriptor, const struct iovec* parts, int part_count) {
  pthread_mutex_lock(&g_lock);
  struct File* file = file_of(descriptor);
  if (file == NULL) { /* a socket may block: not with the lock */
    pthread_mutex_unlock(&g_lock);
    return part_count == 1 ? real_write(descriptor, parts[0].iov_base, parts[0].iov_len)
                           : real_writev(descriptor, parts, part_count);
  }
  size_t length = 0;
  for (int i = 0; i < part_count; ++i) length += parts[i].iov_len;
  const bool appends = (fcntl(descriptor, F_GETFL) & O_APPEND) != 0;
  off_t at = appends ? size_of(file) : lseek(descriptor, 0, SEEK_CUR);
  keep(file, at, at + (off_t)length);
  const ssize_t written = real_writev(descriptor, parts, part_count);
  const int error = errno;
  for (ssize_t left = written, i = 0; left > 0; ++i) {
    const size_t part = (size_t)left < parts[i].iov_len ? (size_t)left : parts[i].iov_len;
    note_write(file, at, parts[i].iov_base, part);
    at += (off_t)part;
    left -= (ssize_t)part;
  }
  count();
  pthread_mutex_unlock(&g_lock);
  errno = error;
  return written;
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t length, off_t at) {
  pthread_mutex_lock(&g_lock);
  struct File* file = file_of(descriptor);
  if (file != NULL) keep(file, at, at + (off_t)length);
  const ssize_t written = real_pwrite(descriptor, bytes, length, at);
  const int error = errno;
  if (file != NULL) {
    if (written > 0) note_write(file, at, bytes, (size_t)written);
    count();
  }
  pthread_mutex_unlock(&g_lock);
  errno = error;
  return written;
}

ssize_t pwrite(int descriptor, const void* bytes, size_t length, off_t at) {
  return pwrite64(descriptor, bytes, length, at);
}

int ftruncate64(int descriptor, off_t size) {
  pthread_mutex_lock(&g_lock);
  struct File* file = file_of(descriptor);
  if (file != NULL) keep(file, size, INT64_MAX);
  const int result = real_ftruncate(descriptor, size);
  const int error = errno;
  if (file != NULL) {
    struct Piece* change = make_piece(size, 0);
    change->truncates = true;
    if (result == 0)
      note(file, change);
    else
      free(change);
    count();
  }
  pthread_mutex_unlock(&g_lock);
  errno = error;
  return result;
}

int ftruncate(int descriptor, off_t size) {
  return ftruncate64(descriptor, size);
}

static int sync_by(int (*real)(int), int descriptor) {
  pthread_mutex_lock(&g_lock);
  struct File* file = file_of(descriptor);
  if (file != NULL) count(); /* the power may fail before anything is safe */
  const int result = real(descriptor);
  const int error = errno;
  if (file != NULL && result == 0) synced(file);
  pthread_mutex_unlock(&g_lock);
  errno = error;
  return result;
}

int fsync(int descriptor) {
  return sync_by(real_fsync, descriptor);
}
int fdatasync(int descriptor) {
  return sync_by(real_fdatasync, descriptor);
}

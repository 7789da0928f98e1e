/* A disk with a block that cannot be read any more: LD_PRELOAD for the real programs on a real file system.
 *
 *   BAD_BLOCK_INODE=N   of the file that it belongs to, by whatever name
 *   BAD_BLOCK_AT=N      its first byte in that file
 *   BAD_BLOCK_BYTES=N
 *
 * A read that begins in it fails with EIO; one that reaches it ends before it, as the kernel has it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static ino_t g_inode;
static off_t g_begin, g_end;
static ssize_t (*real_read)(int, void*, size_t);
static ssize_t (*real_pread)(int, void*, size_t, off_t);

static unsigned long long number(const char* name) {
  const char* text = getenv(name);
  return text == NULL ? 0 : strtoull(text, NULL, 10);
}

__attribute__((constructor)) static void begin(void) {
  real_read = dlsym(RTLD_NEXT, "read");
  real_pread = dlsym(RTLD_NEXT, "pread64");
  g_inode = (ino_t)number("BAD_BLOCK_INODE");
  g_begin = (off_t)number("BAD_BLOCK_AT");
  g_end = g_begin + (off_t)number("BAD_BLOCK_BYTES");
}

/* How many of the bytes from `at` on can be read; -1: not the first of them. */
static ssize_t readable(int descriptor, size_t size, off_t at) {
  struct stat info;
  if (at >= g_end || at + (off_t)size <= g_begin || fstat(descriptor, &info) != 0 || info.st_ino != g_inode) return (ssize_t)size;
  if (at < g_begin) return g_begin - at;
  errno = EIO;
  return -1;
}

ssize_t read(int descriptor, void* bytes, size_t size) {
  const off_t at = g_inode == 0 ? -1 : lseek(descriptor, 0, SEEK_CUR);
  if (at < 0) return real_read(descriptor, bytes, size);
  const ssize_t allowed = readable(descriptor, size, at);
  return allowed < 0 ? -1 : real_read(descriptor, bytes, (size_t)allowed);
}

ssize_t pread64(int descriptor, void* bytes, size_t size, off_t at) {
  const ssize_t allowed = readable(descriptor, size, at);
  return allowed < 0 ? -1 : real_pread(descriptor, bytes, (size_t)allowed, at);
}

ssize_t pread(int descriptor, void* bytes, size_t size, off_t at) {
  return pread64(descriptor, bytes, size, at);
}

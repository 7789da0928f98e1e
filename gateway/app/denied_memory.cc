// What the program does where the system denies it memory: it ends, at once.
//
// Nobody in this process could do better. A library that gets a null pointer leaves something out (Paho acknowledges a
// message that it has no memory to hand over), and what catches std::bad_alloc cannot know what was left half done. An
// end at any moment, as by kill -9, loses nothing: what was committed is on disk, what was not was not acknowledged,
// and whoever supervises the process starts it again. Where memory is overcommitted, as it is by default, the kernel
// does the same.
//
// Allocations come by here, those of every library too, because the program's own symbols come first: glibc's manual,
// "Replacing malloc". They are glibc's still.
#include <sysexits.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <string_view>

// The sanitizers have allocators of their own.
#if !__has_feature(address_sanitizer) && !__has_feature(memory_sanitizer) && !__has_feature(thread_sanitizer)

extern "C" {

// Not declared by any header.
void* __libc_malloc(std::size_t size);                           // NOLINT(bugprone-reserved-identifier)
void* __libc_calloc(std::size_t count, std::size_t size);        // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void* memory, std::size_t size);            // NOLINT(bugprone-reserved-identifier)
void* __libc_memalign(std::size_t alignment, std::size_t size);  // NOLINT(bugprone-reserved-identifier)

}  // extern "C"

namespace {

// Takes none itself.
[[noreturn]] void end() {
  constexpr std::string_view kWords =
      "carbongate: the system denies further memory: ending at once. What was committed is safe, and a gateway that is "
      "started again goes on from there. Allow it more than 'memory.max' says, or let that say less.\n";
  if (write(STDERR_FILENO, kWords.data(), kWords.size()) < 0) std::_Exit(EX_IOERR);
  std::_Exit(EX_OSERR);
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  void* const memory = __libc_malloc(size);
  if (memory == nullptr) end();
  return memory;
}

void* calloc(std::size_t count, std::size_t size) {
  void* const memory = __libc_calloc(count, size);
  if (memory == nullptr) end();
  return memory;
}

void* realloc(void* memory, std::size_t size) {
  void* const moved = __libc_realloc(memory, size);
  if (moved == nullptr && size != 0) end();
  return moved;
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {  // by which Asio takes what its operations need
  void* const memory = __libc_memalign(alignment, size);
  if (memory == nullptr) end();
  return memory;
}

}  // extern "C"

#endif

// What the program does where the system denies it memory, a thread, or a file that it cannot do without: it ends, at
// once.
//
// Nobody in this process could do better. A library that gets a null pointer leaves something out (Paho acknowledges a
// message that it has no memory to hand over), and what catches std::bad_alloc cannot know what was left half done. An
// end at any moment, as by kill -9, loses nothing: what was committed is on disk, what was not was not acknowledged,
// and whoever supervises the process starts it again. Where memory is overcommitted, as it is by default, the kernel
// does the same.
//
// A thread needs memory for its stack, and who makes one does without it, waits for it for ever, or throws what ends in
// an abort.
//
// A file that is denied is mostly the trouble of one connection, which tries again. But what Asio itself works with, an
// epoll or a pipe, it throws for where it is made, and nobody catches that.
//
// Allocations and new threads come by here, those of every library too, because the program's own symbols come first:
// glibc's manual, "Replacing malloc". They are glibc's still.
#include <dlfcn.h>
#include <pthread.h>
#include <sysexits.h>
#include <unistd.h>

#include <atomic>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <string_view>

namespace {

// One line, as those below.
constexpr std::string_view kNoFile =
    "carbongate: the system denies further open files: ending at once. What was committed is safe, and a gateway that "
    "is started again goes on from there. Allow it more open files (ulimit -n, LimitNOFILE=).\n";

// Takes no memory itself. Only the first one writes; who is denied something beside it waits for the end.
[[noreturn]] void end(std::string_view words) {
  static std::atomic_flag is_ending;
  while (is_ending.test_and_set()) pause();
  if (write(STDERR_FILENO, words.data(), words.size()) < 0) std::_Exit(EX_IOERR);
  std::_Exit(EX_OSERR);
}

void end_uncaught();

const std::terminate_handler kUsualEnd = std::set_terminate(end_uncaught);

void end_uncaught() {
  namespace errc = boost::system::errc;
  try {
    if (const std::exception_ptr uncaught = std::current_exception()) std::rethrow_exception(uncaught);
  } catch (const boost::system::system_error& error) {
    if (error.code() == errc::too_many_files_open || error.code() == errc::too_many_files_open_in_system) end(kNoFile);
  } catch (...) {  // kUsualEnd says what it was
  }
  kUsualEnd();
}

}  // namespace

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

constexpr std::string_view kNoMemory =
    "carbongate: the system denies further memory: ending at once. What was committed is safe, and a gateway that is "
    "started again goes on from there. Allow it more than 'memory.max' says, or let that say less.\n";
constexpr std::string_view kNoThread =
    "carbongate: the system denies a further thread, or memory for its stack: ending at once. What was committed is "
    "safe, and a gateway that is started again goes on from there. Allow it more memory (ulimit -d, MemoryMax=), or "
    "more threads (ulimit -u, TasksMax=).\n";

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  void* const memory = __libc_malloc(size);
  if (memory == nullptr) end(kNoMemory);
  return memory;
}

void* calloc(std::size_t count, std::size_t size) {
  void* const memory = __libc_calloc(count, size);
  if (memory == nullptr) end(kNoMemory);
  return memory;
}

void* realloc(void* memory, std::size_t size) {
  void* const moved = __libc_realloc(memory, size);
  if (moved == nullptr && size != 0) end(kNoMemory);
  return moved;
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {  // by which Asio takes what its operations need
  void* const memory = __libc_memalign(alignment, size);
  if (memory == nullptr) end(kNoMemory);
  return memory;
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  static const auto create = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  const int error = create(thread, attributes, run, argument);
  if (error == EAGAIN) end(kNoThread);
  return error;
}

}  // extern "C"

#endif

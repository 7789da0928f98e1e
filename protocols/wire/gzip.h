// The gzip format (RFC 1952).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace carbongate::wire {

// The same text gives the same bytes. Throws std::bad_alloc when there is no memory for it.
std::string gzip(std::string_view text);

// The text again; `size` bytes of it are known to come out. Throws std::runtime_error if something else does: for what
// we packed ourselves.
std::string gunzip(std::string_view packed, std::size_t size);

// Packs a text that is never there as a whole. Memory: about 270 kB (zlib's), whatever its length. One thread.
class GzipStream {
 public:
  GzipStream();  // throws std::bad_alloc
  ~GzipStream();
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  std::string pack(std::string_view text);  // what is ready to be sent: perhaps nothing
  std::string finish();                     // the rest; nothing may follow

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace carbongate::wire

#include "protocols/wire/gzip.h"

#include <zlib.h>

#include <new>
#include <stdexcept>

namespace carbongate::wire {

std::string gzip(std::string_view text) {
  constexpr int kGzipWindow = 15 + 16;  // 15: window of 32 KiB; 16: gzip header and trailer
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);  // always completes: the room is what deflateBound() asks for
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string gunzip(std::string_view packed, std::size_t size) {
  constexpr int kGzipWindow = 15 + 16;
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw std::bad_alloc();
  std::string text(size, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int result = inflate(&stream, Z_FINISH);
  const bool is_whole = result == Z_STREAM_END && stream.total_out == size;
  inflateEnd(&stream);
  if (!is_whole) throw std::runtime_error("gzip: not the text that was packed");
  return text;
}

}  // namespace carbongate::wire

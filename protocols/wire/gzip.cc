#include "protocols/wire/gzip.h"

#include <zlib.h>

#include <new>
#include <stdexcept>

namespace carbongate::wire {
namespace {

constexpr int kGzipWindow = 15 + 16;  // 15: window of 32 KiB; 16: gzip header and trailer

void begin(z_stream& stream) {
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
}

}  // namespace

std::string gzip(std::string_view text) {
  z_stream stream{};
  begin(stream);
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

struct GzipStream::Impl {
  Impl() { begin(stream); }
  ~Impl() { deflateEnd(&stream); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::string pack(std::string_view text, int flush) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    std::string packed;
    do {
      const std::size_t used = packed.size();
      packed.resize(used + kPieceBytes);
      stream.next_out = reinterpret_cast<Bytef*>(packed.data() + used);
      stream.avail_out = static_cast<uInt>(kPieceBytes);
      deflate(&stream, flush);  // cannot fail: there is always room
      packed.resize(packed.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    return packed;
  }

  static constexpr std::size_t kPieceBytes = 16 * 1024;
  z_stream stream{};
};

GzipStream::GzipStream() : impl_(std::make_unique<Impl>()) {}
GzipStream::~GzipStream() = default;

std::string GzipStream::pack(std::string_view text) {
  return impl_->pack(text, Z_NO_FLUSH);
}

std::string GzipStream::finish() {
  return impl_->pack({}, Z_FINISH);
}

}  // namespace carbongate::wire

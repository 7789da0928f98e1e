#include "gateway/store/zstd_frame.h"

#include <zstd.h>

#include <new>
#include <stdexcept>

#include "gateway/store/database.h"

namespace carbongate::store {

struct ZstdFrame::Contexts {
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> compress{ZSTD_createCCtx(), &ZSTD_freeCCtx};
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> decompress{ZSTD_createDCtx(), &ZSTD_freeDCtx};
};

ZstdFrame::ZstdFrame(int level) : contexts_(std::make_unique<Contexts>()) {
  if (!contexts_->compress || !contexts_->decompress) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(contexts_->compress.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(contexts_->compress.get(), ZSTD_c_checksumFlag, 1);
}
ZstdFrame::~ZstdFrame() = default;

void ZstdFrame::append(std::string& out, std::string_view bytes) {
  const std::size_t begin = out.size();
  out.resize(begin + ZSTD_compressBound(bytes.size()));
  const std::size_t size =
      ZSTD_compress2(contexts_->compress.get(), out.data() + begin, out.size() - begin, bytes.data(), bytes.size());
  if (ZSTD_isError(size)) throw std::runtime_error(std::string("zstd: ") + ZSTD_getErrorName(size));
  out.resize(begin + size);
}

std::string ZstdFrame::open(std::string_view frame, std::size_t most, const char* of) {
  const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size > most) throw DamagedRecord(std::string(of) + " has no size, or too large a one");  // also zstd's two codes
  std::string bytes(size, '\0');
  const std::size_t written =
      ZSTD_decompressDCtx(contexts_->decompress.get(), bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(written) || written != bytes.size()) {
    throw DamagedRecord(std::string(of) + " does not have its checksum");
  }
  return bytes;
}

}  // namespace carbongate::store

// zstd: bytes as one frame with a checksum.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace carbongate::store {

// Keeps what zstd works with. One thread.
class ZstdFrame {
 public:
  explicit ZstdFrame(int level);
  ~ZstdFrame();

  void append(std::string& out, std::string_view bytes);

  // Throws DamagedRecord if the frame is not whole, or would be larger than `most`. `of`: what is in it, for the text.
  std::string open(std::string_view frame, std::size_t most, const char* of);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace carbongate::store

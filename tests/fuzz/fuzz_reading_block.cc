// Any bytes as a block of readings, and as what lies behind its checksums: they are refused as damaged, or are readings
// that can be written and read again.
#include <algorithm>
#include <bit>
#include <boost/crc.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/store/reading_block.h"

namespace {

using namespace carbongate::store;

void require(bool holds) {
  if (!holds) std::abort();
}

bool same(const BlockReading& a, const BlockReading& b) {
  return a.sequence == b.sequence && a.series == b.series && a.at_ms == b.at_ms && a.quality == b.quality &&
         std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value);
}

std::string checksum(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(crc.checksum() >> shift);
  return text;
}

}  // namespace

// The first byte says how long the directory is; what follows it are the columns, or the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t split = std::min<std::size_t>(data[0], bytes.size());
  const std::string directory(bytes.substr(0, split));
  const std::string rest(bytes.substr(split));
  BlockCodec codec;
  try {
    codec.decode(directory, rest, 1);
  } catch (const DamagedRecord&) {
  }
  try {  // with checksums that are right, so that what lies behind them is reached
    const std::string sum = checksum(directory);
    const auto readings = decode_columns(directory + sum, sum + rest, 1);
    const auto encoded = codec.encode(readings);
    const auto again = codec.decode(encoded.directory, encoded.body, 1);
    require(std::ranges::equal(readings, again, same));
  } catch (const DamagedRecord&) {
  }
  return 0;
}

// Many readings as one record: a few bytes each, and every bit of them comes back.
//
//   directory  0x01, number of series, then by ascending id, as long as there are some: how much further its id is, how
//              many readings, how many more series follow that are as far from each other and have as many;
//              CRC-32 of all this, highest byte first
//   body       0x01, one zstd frame with its checksum around:
//                CRC-32 of the directory, then five columns, all but the last with their length before them:
//                gaps    of each reading but the first: how many numbers were left out before it
//                order   of each reading: 0: its series is the one that came last time behind that of the reading
//                        before; else 1 + its place in the directory
//                times   of each reading: 0: as the reading before; 1: 8 bytes of it; else 2 + how far (zigzag) it is
//                        from where the last two of its series lead to
//                quality of the readings by series: a quality and how many have it
//                values  of each series: value_column.h
//
// Numbers are base-128 varints, lowest first. Whatever is wrong is found by a checksum, and all the same nothing is
// believed: any bytes give readings or DamagedRecord.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/store/database.h"
#include "gateway/store/zstd_frame.h"

namespace carbongate::store {

struct BlockReading {
  std::int64_t sequence = 0;
  std::int64_t series = 0;
  std::int64_t at_ms = 0;
  double value = 0;  // NaN: none, whatever its bits
  std::int64_t quality = 0;
};

// How many readings of a series are in a block.
struct BlockSeries {
  std::int64_t series = 0;
  std::uint64_t readings = 0;
  friend bool operator==(const BlockSeries&, const BlockSeries&) = default;
};

inline constexpr std::size_t kBlockReadingsMax = 1U << 17U;

std::vector<BlockSeries> decode_directory(std::string_view directory);  // throws DamagedRecord

// What is in the frame of a body. Throws DamagedRecord.
std::vector<BlockReading> decode_columns(std::string_view directory, std::string_view columns,
                                         std::int64_t first_sequence);

// Keeps what zstd works with. One thread.
class BlockCodec {
 public:
  BlockCodec();

  struct Encoded {
    std::string directory;
    std::string body;
  };
  // Of readings by ascending sequence: at least one, at most kBlockReadingsMax.
  Encoded encode(std::span<const BlockReading> readings);

  // In the order of the sequence. Throws DamagedRecord.
  std::vector<BlockReading> decode(std::string_view directory, std::string_view body, std::int64_t first_sequence);

 private:
  ZstdFrame frame_;
};

}  // namespace carbongate::store

#include "gateway/store/reading_block.h"

#include <algorithm>
#include <unordered_map>

#include "gateway/store/byte_code.h"
#include "gateway/store/value_column.h"

namespace carbongate::store {
namespace {

constexpr const char* kWhat = "a block of readings";
constexpr char kVersion = 1;
constexpr int kLevel = 5;
constexpr std::size_t kCrcBytes = 4;
constexpr std::size_t kColumnsMax = 64U << 20U;  // bytes of what a frame holds

[[noreturn]] void damaged(const char* what) {
  throw DamagedRecord(std::string(kWhat) + " " + what);
}

void put_crc(std::string& out, std::uint32_t crc) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(crc >> static_cast<unsigned>(shift));
}

std::uint64_t bits(std::int64_t number) {
  return static_cast<std::uint64_t>(number);
}
std::int64_t whole(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}

// Which series comes next: the one that came behind this one last time; at first the next in the directory.
class Succession {
 public:
  explicit Succession(std::size_t series) : successor_(series) {
    for (std::size_t i = 0; i < series; ++i) successor_[i] = i + 1 == series ? 0 : i + 1;
    last_ = series - 1;
  }
  std::size_t expected() const { return successor_[last_]; }
  void is(std::size_t place) {
    successor_[last_] = place;
    last_ = place;
  }

 private:
  std::vector<std::size_t> successor_;
  std::size_t last_ = 0;
};

// When a series is read next: as long after the last time as that was after the one before.
class Cadence {
 public:
  explicit Cadence(std::size_t series) : last_(series), step_(series) {}
  std::uint64_t expected(std::size_t place) const { return last_[place] + step_[place]; }
  void is(std::size_t place, std::uint64_t at) {
    step_[place] = last_[place] == 0 ? 0 : at - last_[place];
    last_[place] = at;
  }

 private:
  std::vector<std::uint64_t> last_;
  std::vector<std::uint64_t> step_;
};

constexpr std::uint64_t kAsBefore = 0;
constexpr std::uint64_t kInFull = 1;
constexpr std::uint64_t kFurther = 2;
constexpr std::uint64_t kFurtherMax = 1ULL << 62U;

void put_time(std::string& out, std::uint64_t at, std::uint64_t before, std::uint64_t expected) {
  const std::uint64_t off = zigzag(at - expected);
  if (at == before) {
    put_number(out, kAsBefore);
  } else if (off < kFurtherMax) {
    put_number(out, kFurther + off);
  } else {
    put_number(out, kInFull);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(at >> static_cast<unsigned>(shift));
  }
}

std::uint64_t get_time(ByteReader& in, std::uint64_t before, std::uint64_t expected) {
  const std::uint64_t token = in.number();
  if (token == kAsBefore) return before;
  if (token == kInFull) return in.fixed(sizeof(std::uint64_t));
  return expected + unzigzag(token - kFurther);
}

// Where the readings of each series begin, if they lie one series behind the other.
std::vector<std::size_t> begins_of(std::span<const BlockSeries> series) {
  std::vector<std::size_t> begins;
  std::size_t begin = 0;
  for (const BlockSeries& one : series) {
    begins.push_back(begin);
    begin += one.readings;
  }
  return begins;
}

std::vector<BlockSeries> series_of(std::span<const BlockReading> readings) {
  std::unordered_map<std::int64_t, std::uint64_t> counts;
  for (const BlockReading& reading : readings) ++counts[reading.series];
  std::vector<BlockSeries> series;
  for (const auto& [id, count] : counts) series.push_back({id, count});
  std::ranges::sort(series, {}, &BlockSeries::series);
  return series;
}

std::string encode_directory(std::span<const BlockSeries> series) {
  std::string out(1, kVersion);
  put_number(out, series.size());
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < series.size();) {
    const std::uint64_t further = bits(series[i].series) - before;
    const std::size_t begin = i;
    do {
      before = bits(series[i].series);
      ++i;
    } while (i < series.size() && bits(series[i].series) - before == further &&
             series[i].readings == series[begin].readings);
    put_number(out, further);
    put_number(out, series[begin].readings);
    put_number(out, i - begin - 1);
  }
  put_crc(out, crc_of(out));
  return out;
}

std::string encode_columns(std::span<const BlockReading> readings, std::span<const BlockSeries> series,
                           std::uint32_t directory_crc) {
  std::unordered_map<std::int64_t, std::size_t> places;
  for (std::size_t i = 0; i < series.size(); ++i) places.emplace(series[i].series, i);
  std::string gaps;
  std::string order;
  std::string times;
  std::vector<std::size_t> next = begins_of(series);
  std::vector<double> values(readings.size());
  std::vector<std::int64_t> qualities(readings.size());
  Succession succession(series.size());
  Cadence cadence(series.size());
  std::uint64_t before_at = 0;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const BlockReading& reading = readings[i];
    const std::size_t place = places.at(reading.series);
    if (i > 0) put_number(gaps, bits(reading.sequence) - bits(readings[i - 1].sequence) - 1);
    put_number(order, succession.expected() == place ? 0 : 1 + place);
    succession.is(place);
    put_time(times, bits(reading.at_ms), before_at, cadence.expected(place));
    before_at = bits(reading.at_ms);
    cadence.is(place, before_at);
    values[next[place]] = reading.value;
    qualities[next[place]++] = reading.quality;
  }
  std::string quality;
  for (std::size_t i = 0; i < qualities.size();) {
    std::size_t end = i;
    while (end < qualities.size() && qualities[end] == qualities[i]) ++end;
    put_number(quality, bits(qualities[i]));
    put_number(quality, end - i);
    i = end;
  }
  BitWriter writer;
  std::size_t begin = 0;
  for (const BlockSeries& one : series) {
    encode_values(std::span(values).subspan(begin, one.readings), writer);
    begin += one.readings;
  }
  std::string columns;
  put_crc(columns, directory_crc);
  for (const std::string* column : {&gaps, &order, &times, &quality}) {
    put_number(columns, column->size());
    columns += *column;
  }
  return columns + writer.finish();
}

std::uint32_t crc_in(std::string_view directory) {
  return crc_of(directory.substr(0, directory.size() - kCrcBytes));
}

void decode_qualities(ByteReader in, std::span<std::int64_t> qualities) {
  for (std::size_t i = 0; i < qualities.size();) {
    const std::int64_t quality = whole(in.number());
    const std::uint64_t run = in.number();
    if (run == 0 || run > qualities.size() - i) damaged("has qualities for other readings");
    std::fill_n(qualities.begin() + static_cast<std::ptrdiff_t>(i), run, quality);
    i += run;
  }
  if (!in.is_empty()) damaged("has more qualities than readings");
}

}  // namespace

std::vector<BlockSeries> decode_directory(std::string_view directory) {
  if (directory.size() < 1 + kCrcBytes || directory.front() != kVersion) damaged("has an unknown directory");
  ByteReader in(directory.substr(1, directory.size() - 1 - kCrcBytes), kWhat);
  if (ByteReader(directory.substr(directory.size() - kCrcBytes), kWhat).fixed(kCrcBytes) != crc_in(directory)) {
    damaged("has a directory with a wrong checksum");
  }
  const std::uint64_t count = in.number();
  if (count == 0 || count > kBlockReadingsMax) damaged("has an impossible number of series");
  std::vector<BlockSeries> series;
  std::uint64_t id = 0;
  std::uint64_t readings = 0;
  while (series.size() < count) {
    const std::uint64_t further = in.number();
    const std::uint64_t each = in.number();
    const std::uint64_t more = in.number();
    if (more >= count - series.size()) damaged("has more series than it says");
    if (further == 0 && (more > 0 || !series.empty())) damaged("has a series twice");
    if (each == 0 || each > (kBlockReadingsMax - readings) / (more + 1))
      damaged("has an impossible number of readings");
    for (std::uint64_t i = 0; i <= more; ++i) series.push_back({.series = whole(id += further), .readings = each});
    readings += each * (more + 1);
  }
  if (!in.is_empty()) damaged("has more than its series in the directory");
  return series;
}

std::vector<BlockReading> decode_columns(std::string_view directory, std::string_view columns,
                                         std::int64_t first_sequence) {
  const std::vector<BlockSeries> series = decode_directory(directory);
  if (first_sequence <= 0) damaged("begins before all numbers");
  ByteReader in(columns, kWhat);
  if (in.fixed(kCrcBytes) != crc_in(directory)) damaged("has the directory of another");
  ByteReader gaps(in.column(), kWhat);
  ByteReader order(in.column(), kWhat);
  ByteReader times(in.column(), kWhat);
  const ByteReader quality(in.column(), kWhat);
  std::vector<std::size_t> next = begins_of(series);
  std::vector<std::size_t> ends = next;
  for (std::size_t i = 0; i < series.size(); ++i) ends[i] += series[i].readings;
  const std::size_t count = ends.back();
  std::vector<std::int64_t> qualities(count);
  decode_qualities(quality, qualities);
  std::vector<double> values(count);
  BitReader bits_in(in.rest());
  for (std::size_t i = 0; i < series.size(); ++i) {
    decode_values(bits_in, std::span(values).subspan(next[i], ends[i] - next[i]));
  }
  std::vector<BlockReading> readings;
  readings.reserve(count);
  Succession succession(series.size());
  Cadence cadence(series.size());
  std::int64_t sequence = first_sequence;
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) {
      const std::uint64_t gap = gaps.number();
      if (gap >= bits(INT64_MAX) - bits(sequence)) damaged("has numbers beyond all");
      sequence += whole(gap) + 1;
    }
    const std::uint64_t token = order.number();
    const std::size_t place = token == 0 ? succession.expected() : token - 1;
    if (place >= series.size() || next[place] == ends[place]) damaged("has a reading of no series in it");
    succession.is(place);
    at = get_time(times, at, cadence.expected(place));
    cadence.is(place, at);
    readings.push_back({.sequence = sequence,
                        .series = series[place].series,
                        .at_ms = whole(at),
                        .value = values[next[place]],
                        .quality = qualities[next[place]]});
    ++next[place];
  }
  if (!gaps.is_empty() || !order.is_empty() || !times.is_empty()) damaged("has columns that are too long");
  return readings;
}

BlockCodec::BlockCodec() : frame_(kLevel) {}

BlockCodec::Encoded BlockCodec::encode(std::span<const BlockReading> readings) {
  const std::vector<BlockSeries> series = series_of(readings);
  Encoded encoded{.directory = encode_directory(series), .body = std::string(1, kVersion)};
  const std::string columns = encode_columns(readings, series, crc_in(encoded.directory));
  frame_.append(encoded.body, columns);
  return encoded;
}

std::vector<BlockReading> BlockCodec::decode(std::string_view directory, std::string_view body,
                                             std::int64_t first_sequence) {
  if (body.empty() || body.front() != kVersion) damaged("is of an unknown version");
  const std::string columns = frame_.open(body.substr(1), kColumnsMax, kWhat);
  return decode_columns(directory, columns, first_sequence);
}

}  // namespace carbongate::store

#include "protocols/postgresql/copy_binary.h"

#include <array>
#include <bit>
#include <utility>

namespace carbongate::postgresql {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kHeader = "PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0"sv;
constexpr std::int64_t kMillisecondsTo2000 = 946'684'800'000;
constexpr std::uint64_t kBase = 10'000;
constexpr std::uint16_t kNegative = 0x4000;
constexpr std::size_t kDigitsMax = 12;  // of 2^63 with up to three zeros to align its fraction: at most 22 decimals

}  // namespace

CopyWriter::CopyWriter() : data_(kHeader) {}

void CopyWriter::bytes_of(std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) data_ += static_cast<char>(value >> shift);
}

void CopyWriter::row(std::int16_t fields) {
  bytes_of(static_cast<std::uint16_t>(fields), 2);
  ++rows_;
}

void CopyWriter::null() {
  bytes_of(0xFFFF'FFFF, 4);
}

void CopyWriter::int32(std::int32_t value) {
  bytes_of(4, 4);
  bytes_of(static_cast<std::uint32_t>(value), 4);
}

void CopyWriter::float8(double value) {
  bytes_of(8, 4);
  bytes_of(std::bit_cast<std::uint64_t>(value), 8);
}

void CopyWriter::text(std::string_view value) {
  bytes_of(value.size(), 4);
  data_ += value;
}

void CopyWriter::jsonb(std::string_view json) {
  bytes_of(json.size() + 1, 4);
  data_ += '\1';
  data_ += json;
}

void CopyWriter::timestamptz(std::int64_t milliseconds_since_1970) {
  bytes_of(8, 4);
  bytes_of(static_cast<std::uint64_t>((milliseconds_since_1970 - kMillisecondsTo2000) * 1000), 8);
}

void CopyWriter::numeric(std::int64_t quanta, int scale) {
  // The decimals are cut into groups of four on both sides of the point, so the fraction is filled up with zeros.
  const bool negative = quanta < 0;
  __extension__ using Wide = unsigned __int128;
  Wide rest = negative ? -static_cast<std::uint64_t>(quanta) : static_cast<std::uint64_t>(quanta);
  int fraction_digits = (scale + 3) / 4;
  for (int i = scale; i < fraction_digits * 4; ++i) rest *= 10;

  std::array<std::uint16_t, kDigitsMax> digits{};  // the least significant first
  std::size_t count = 0;
  for (; rest != 0; rest /= kBase) digits[count++] = static_cast<std::uint16_t>(rest % kBase);
  std::size_t first = 0;
  while (first < count && digits[first] == 0) ++first;  // zeros at the end are not sent

  bytes_of(8 + 2 * (count - first), 4);
  bytes_of(count - first, 2);
  bytes_of(static_cast<std::uint16_t>(count == 0 ? 0 : static_cast<int>(count) - 1 - fraction_digits), 2);
  bytes_of(negative ? kNegative : 0, 2);
  bytes_of(static_cast<std::uint16_t>(scale), 2);
  for (std::size_t i = count; i-- > first;) bytes_of(digits[i], 2);
}

std::string CopyWriter::finish() {
  bytes_of(0xFFFF, 2);
  return std::move(data_);
}

}  // namespace carbongate::postgresql

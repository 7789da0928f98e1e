// PostgreSQL's binary COPY format, as COPY ... FROM STDIN (FORMAT binary) reads it.
//
//   data     = signature flags extension *tuple trailer      all numbers big-endian
//   signature= "PGCOPY" LF FF CR LF NUL
//   flags    = int32 0          extension = int32 0          trailer = int16 -1
//   tuple    = int16 fields *field
//   field    = int32 -1 (NULL) / int32 length, bytes
//
//   timestamptz  int64: microseconds since 2000-01-01 UTC
//   numeric      int16 digits, int16 weight, uint16 sign (0x0000, 0x4000), int16 scale, *int16 digit of base 10000;
//                value = sign * sum of digit[i] * 10000^(weight - i)
//   jsonb        int8 version 1, text
//
// Reference: PostgreSQL 15 documentation, COPY, "Binary Format"; utils/adt/numeric.c numeric_recv().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace carbongate::postgresql {

// Writes tuples field by field. Call row(n), then n fields; finish() once at the end. Texts go out as they are: that
// they are UTF-8 without NUL is for the server to judge. Not thread-safe.
class CopyWriter {
 public:
  CopyWriter();

  void row(std::int16_t fields);

  void null();
  void int32(std::int32_t value);
  void float8(double value);  // NaN and infinities too
  void text(std::string_view value);
  void jsonb(std::string_view json);

  // `milliseconds_since_1970` within kTimeMin to kTimeMax.
  void timestamptz(std::int64_t milliseconds_since_1970);

  // quanta / 10^scale, exactly, shown with `scale` decimals; 0 <= scale <= 18.
  void numeric(std::int64_t quanta, int scale);

  std::size_t rows() const { return rows_; }

  // All of it. The writer is used up.
  std::string finish();

 private:
  void bytes_of(std::uint64_t value, int bytes);

  std::string data_;
  std::size_t rows_ = 0;
};

// What timestamptz can hold, 4713 BC to the year 294276, in milliseconds since 1970.
inline constexpr std::int64_t kTimeMinMs = -210'866'803'200'000;
inline constexpr std::int64_t kTimeMaxMs = 9'224'318'015'999'999;

}  // namespace carbongate::postgresql

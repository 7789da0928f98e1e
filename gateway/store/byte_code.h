// Numbers and stretches of bytes, for what is packed into one record.
#pragma once

#include <boost/crc.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/store/database.h"

namespace carbongate::store {

inline std::uint32_t crc_of(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

// Base-128 varint, lowest first.
inline void put_number(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7U) out += static_cast<char>(number | 0x80);
  out += static_cast<char>(number);
}

// Reads what others may have changed: throws DamagedRecord instead of reading on. `of`: what is read, for its text.
class ByteReader {
 public:
  ByteReader(std::string_view bytes, const char* of) : bytes_(bytes), of_(of) {}
  bool is_empty() const { return bytes_.empty(); }
  std::string_view take(std::size_t count) {
    if (count > bytes_.size()) damaged("ends too early");
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  std::uint64_t number() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).front());
      number |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return number;
    }
    damaged("has a number that is too long");
  }
  std::uint64_t fixed(std::size_t bytes) {  // highest byte first
    std::uint64_t number = 0;
    for (const char byte : take(bytes)) number = number << 8U | static_cast<unsigned char>(byte);
    return number;
  }
  std::string_view column() { return take(number()); }
  std::string_view rest() { return take(bytes_.size()); }

  [[noreturn]] void damaged(const char* what) const { throw DamagedRecord(std::string(of_) + " " + what); }

 private:
  std::string_view bytes_;
  const char* of_;
};

}  // namespace carbongate::store

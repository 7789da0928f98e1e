// The hash chain: entries are numbered from 1 without gaps, and each one's hash stands for all of them up to it.
//
//   hash[0] = SHA-256( "carbongate-ledger-1" TAB site )            site: of entry 1, as its line has it
//   hash[n] = SHA-256( hash[n-1] line[n] )                         32 octets, then the canonical line (canonical.h)
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carbongate::ledger {

using Hash = std::array<std::uint8_t, 32>;

Hash sha256(std::string_view bytes);

Hash genesis(std::string_view site);
Hash next_hash(const Hash& before, std::string_view line);

template <std::size_t N>
std::string to_hex(const std::array<std::uint8_t, N>& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) (text += digits[byte >> 4]) += digits[byte & 0xf];
  return text;
}

// Exactly what to_hex() writes: lower case.
template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> from_hex(std::string_view text) {
  if (text.size() != 2 * N) return std::nullopt;
  std::array<std::uint8_t, N> bytes{};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return std::nullopt;
    bytes[i / 2] = static_cast<std::uint8_t>(bytes[i / 2] << 4 | digit);
  }
  return bytes;
}

// No ledger grows beyond it, so that differences of numbers never overflow, whatever an input says.
inline constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 60;

// Where a chain stands.
struct Head {
  std::uint64_t number = 0;
  Hash hash{};
  friend bool operator==(const Head&, const Head&) = default;
};

std::string to_string(const Head& head);                // "35040:9f2c..."
std::optional<Head> parse_head(std::string_view text);  // what to_string() writes

}  // namespace carbongate::ledger

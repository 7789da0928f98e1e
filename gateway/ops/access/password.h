// Passwords: kept as scrypt (RFC 7914), so that who steals the file has to pay for each guess.
//
//   scrypt:ln=15,r=8,p=1:<salt>:<hash>        N is 2^ln; salt of 16 octets and hash of 32 in hex
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/ops/access/random.h"

namespace carbongate::access {

struct PasswordHash {
  unsigned ln = 15;  // N = 2^15 and r = 8: 32 MiB, and a tenth of a second
  unsigned r = 8;
  unsigned p = 1;
  std::array<std::uint8_t, 16> salt{};
  std::array<std::uint8_t, 32> hash{};
  friend bool operator==(const PasswordHash&, const PasswordHash&) = default;
};

inline constexpr std::size_t kPasswordCharactersMin = 10;
inline constexpr std::size_t kPasswordBytesMax = 1024;

// Why this user must not have this password, in words for him; "": he may.
std::string why_no_password(std::string_view password, std::string_view user);

// Blocks for a tenth of a second. Throws std::runtime_error if memory is short.
PasswordHash hash_password(std::string_view password, const Randomness& randomness);

// Blocks as long, whatever the password is; one that is longer than any can be is none. Any thread.
bool is_password(std::string_view password, const PasswordHash& hash);

// What a password of nobody is held against: the same work, and no password fits.
PasswordHash decoy();

std::string to_text(const PasswordHash& hash);

// nullopt: none, or with parameters below those above, or so high that checking it would take the machine's memory.
std::optional<PasswordHash> parse_password_hash(std::string_view text);

}  // namespace carbongate::access

#include "gateway/ops/access/password.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <stdexcept>

#include "config/reader/text.h"
#include "gateway/ledger/chain.h"

namespace carbongate::access {
namespace {

constexpr unsigned kLnMin = 15;
constexpr unsigned kLnMax = 17;
constexpr unsigned kR = 8;
constexpr unsigned kPMax = 4;

std::array<std::uint8_t, 32> scrypt(std::string_view password, const PasswordHash& with) {
  std::array<std::uint8_t, 32> key{};
  const std::uint64_t n = std::uint64_t{1} << with.ln;
  const std::uint64_t memory_max = 128 * n * with.r + (1 << 20);  // N blocks of 128 * r octets, and what is beside them
  if (EVP_PBE_scrypt(password.data(), password.size(), with.salt.data(), with.salt.size(), n, with.r, with.p,
                     memory_max, key.data(), key.size()) != 1) {
    ERR_clear_error();
    throw std::runtime_error("scrypt: OpenSSL cannot work it out; is memory short?");
  }
  return key;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

// "ln=15" of "ln=15,r=8": takes it off the front.
bool take(std::string_view& text, std::string_view name, unsigned& value) {
  if (!text.starts_with(name)) return false;
  const char* const begin = text.data() + name.size();
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

std::string why_no_password(std::string_view password, std::string_view user) {
  const auto characters = static_cast<std::size_t>(std::ranges::count_if(password, starts_character));
  if (characters < kPasswordCharactersMin) {
    return "the password has " + std::to_string(characters) + " characters; at least " +
           std::to_string(kPasswordCharactersMin) + " are needed";
  }
  if (password.size() > kPasswordBytesMax) {
    return "the password is longer than " + std::to_string(kPasswordBytesMax) + " bytes";
  }
  const bool has_control = std::ranges::any_of(password, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (has_control || config::find_invalid_text(password)) {
    return "the password is not UTF-8 text of one line without control characters";
  }
  if (!user.empty() && lower(password).find(lower(user)) != std::string::npos) {
    return "the password contains the user's name";
  }
  if (std::set<char>(password.begin(), password.end()).size() < 5) {
    return "the password repeats the same few characters";
  }
  return "";
}

PasswordHash hash_password(std::string_view password, const Randomness& randomness) {
  PasswordHash made;
  randomness(made.salt);
  made.hash = scrypt(password, made);
  return made;
}

bool is_password(std::string_view password, const PasswordHash& hash) {
  const bool fits = password.size() <= kPasswordBytesMax;
  const auto key = scrypt(fits ? password : std::string_view(), hash);
  return (CRYPTO_memcmp(key.data(), hash.hash.data(), key.size()) == 0) && fits;
}

PasswordHash decoy() {
  return {};  // a hash of zeros: nobody knows a password that gives it
}

std::string to_text(const PasswordHash& hash) {
  return "scrypt:ln=" + std::to_string(hash.ln) + ",r=" + std::to_string(hash.r) + ",p=" + std::to_string(hash.p) +
         ":" + ledger::to_hex(hash.salt) + ":" + ledger::to_hex(hash.hash);
}

std::optional<PasswordHash> parse_password_hash(std::string_view text) {
  PasswordHash parsed;
  constexpr std::size_t kSaltDigits = 32;
  constexpr std::size_t kHashDigits = 64;
  if (!take(text, "scrypt:ln=", parsed.ln) || !take(text, ",r=", parsed.r) || !take(text, ",p=", parsed.p)) {
    return std::nullopt;
  }
  if (text.size() != 1 + kSaltDigits + 1 + kHashDigits || text[0] != ':' || text[1 + kSaltDigits] != ':') {
    return std::nullopt;
  }
  const auto salt = ledger::from_hex<16>(text.substr(1, kSaltDigits));
  const auto hash = ledger::from_hex<32>(text.substr(2 + kSaltDigits));
  const bool fits = parsed.ln >= kLnMin && parsed.ln <= kLnMax && parsed.r == kR && parsed.p >= 1 && parsed.p <= kPMax;
  if (!salt || !hash || !fits) return std::nullopt;
  parsed.salt = *salt;
  parsed.hash = *hash;
  return parsed;
}

}  // namespace carbongate::access

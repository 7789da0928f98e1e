#include "protocols/energy_platform/sm4.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>

namespace carbongate::energy_platform {
namespace {

constexpr std::size_t kBlock = 16;
constexpr std::size_t kTextMax = 1 << 20;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0 || hex.size() > 2 * kTextMax) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = nibble(hex[i]);
    const int low = nibble(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

std::optional<std::string> apply(std::string_view key_hex, std::string_view in, bool encrypts) {
  if (!is_sm4_key(key_hex) || in.size() > kTextMax) return std::nullopt;
  std::string key = *from_hex(key_hex);
  const auto* bytes = [](std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }(key);
  std::string out(in.size() + kBlock, '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  const Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int count = 0;
  int rest = 0;
  const bool is_done =
      context && EVP_CipherInit_ex(context.get(), EVP_sm4_ecb(), nullptr, bytes, nullptr, encrypts ? 1 : 0) == 1 &&
      EVP_CipherUpdate(context.get(), to, &count, reinterpret_cast<const unsigned char*>(in.data()),
                       static_cast<int>(in.size())) == 1 &&
      EVP_CipherFinal_ex(context.get(), to + count, &rest) == 1;
  OPENSSL_cleanse(key.data(), key.size());
  if (!is_done) return std::nullopt;
  out.resize(static_cast<std::size_t>(count + rest));
  return out;
}

}  // namespace

bool is_sm4_key(std::string_view key_hex) {
  return key_hex.size() == 2 * kBlock && std::ranges::all_of(key_hex, [](char c) { return nibble(c) >= 0; });
}

std::optional<std::string> sm4_encrypt(std::string_view key_hex, std::string_view plain) {
  const auto cipher = apply(key_hex, plain, true);
  if (!cipher) return std::nullopt;
  return to_hex(*cipher);
}

std::optional<std::string> sm4_decrypt(std::string_view key_hex, std::string_view cipher_hex) {
  const auto cipher = from_hex(cipher_hex);
  if (!cipher || cipher->empty() || cipher->size() % kBlock != 0) return std::nullopt;
  return apply(key_hex, *cipher, false);
}

}  // namespace carbongate::energy_platform

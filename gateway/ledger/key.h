// Ed25519 keys (RFC 8032): what seals are signed with, and what anyone needs to check them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace carbongate::ledger {

using PublicKey = std::array<std::uint8_t, 32>;  // RFC 8032 section 5.1.5
using Signature = std::array<std::uint8_t, 64>;

bool is_signed(std::string_view message, const Signature& signature, const PublicKey& key);

// "SHA256:" and the hash in hex of the key as DER: `openssl pkey -pubin -in ledger.pub -outform DER | sha256sum`.
std::string fingerprint(const PublicKey& key);

std::string to_pem(const PublicKey& key);  // "-----BEGIN PUBLIC KEY-----..." (RFC 8410)
std::optional<PublicKey> parse_public_pem(std::string_view text);

// The private key. It stays in here: what comes out are signatures, and the PEM that goes to its file.
class SigningKey {
 public:
  static SigningKey generate();
  static std::optional<SigningKey> parse_pem(std::string_view text);  // PKCS #8, not encrypted

  std::string pem() const;  // "-----BEGIN PRIVATE KEY-----..."
  const PublicKey& public_key() const { return public_key_; }
  Signature sign(std::string_view message) const;  // the same message gives the same signature

 private:
  explicit SigningKey(std::shared_ptr<void> key);

  std::shared_ptr<void> key_;  // EVP_PKEY
  PublicKey public_key_{};
};

}  // namespace carbongate::ledger

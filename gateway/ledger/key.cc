#include "gateway/ledger/key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <stdexcept>
#include <utility>

#include "gateway/ledger/chain.h"

namespace carbongate::ledger {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string("Ed25519: OpenSSL cannot ") + what);
}

Key key_of(const PublicKey& key) {
  return {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()), &EVP_PKEY_free};
}

std::optional<PublicKey> raw(const EVP_PKEY* key) {
  PublicKey bytes{};
  std::size_t size = bytes.size();
  if (EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) return std::nullopt;
  if (EVP_PKEY_get_raw_public_key(key, bytes.data(), &size) != 1 || size != bytes.size()) return std::nullopt;
  return bytes;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

Bio reader(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

// An encrypted key would ask at the terminal; nobody sits there.
int no_password(char*, int, int, void*) {
  return -1;
}

}  // namespace

bool is_signed(std::string_view message, const Signature& signature, const PublicKey& key) {
  const Key handle = key_of(key);
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const bool good = handle && context &&
                    EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, handle.get()) == 1 &&
                    EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                                     reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
  ERR_clear_error();
  return good;
}

std::string fingerprint(const PublicKey& key) {
  // RFC 8410 section 4: SubjectPublicKeyInfo of id-Ed25519 is these octets and the key.
  constexpr std::array<std::uint8_t, 12> kPrefix{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  std::string der(kPrefix.begin(), kPrefix.end());
  der.append(key.begin(), key.end());
  return "SHA256:" + to_hex(sha256(der));
}

std::string to_pem(const PublicKey& key) {
  const Key handle = key_of(key);
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  if (!handle || !bio || PEM_write_bio_PUBKEY(bio.get(), handle.get()) != 1) fail("write a public key");
  return text_of(bio.get());
}

std::optional<PublicKey> parse_public_pem(std::string_view text) {
  const Bio bio = reader(text);
  const Key key(PEM_read_bio_PUBKEY(bio.get(), nullptr, &no_password, nullptr), &EVP_PKEY_free);
  ERR_clear_error();
  return key ? raw(key.get()) : std::nullopt;
}

SigningKey::SigningKey(std::shared_ptr<void> key) : key_(std::move(key)) {
  const auto bytes = raw(static_cast<const EVP_PKEY*>(key_.get()));
  if (!bytes) fail("name the public key");
  public_key_ = *bytes;
}

SigningKey SigningKey::generate() {
  std::shared_ptr<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free);
  if (!key) fail("make a key");
  return SigningKey(std::move(key));
}

std::optional<SigningKey> SigningKey::parse_pem(std::string_view text) {
  const Bio bio = reader(text);
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_password, nullptr), &EVP_PKEY_free);
  ERR_clear_error();
  if (!key || !raw(key.get())) return std::nullopt;
  return SigningKey(std::move(key));
}

std::string SigningKey::pem() const {
  const Bio bio(BIO_new(BIO_s_secmem()), &BIO_free);
  if (!bio || PEM_write_bio_PrivateKey(bio.get(), static_cast<EVP_PKEY*>(key_.get()), nullptr, nullptr, 0, nullptr,
                                       nullptr) != 1) {
    fail("write a private key");
  }
  return text_of(bio.get());
}

Signature SigningKey::sign(std::string_view message) const {
  Signature signature{};
  std::size_t size = signature.size();
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, static_cast<EVP_PKEY*>(key_.get())) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, reinterpret_cast<const unsigned char*>(message.data()),
                     message.size()) != 1 ||
      size != signature.size()) {
    fail("sign");
  }
  return signature;
}

}  // namespace carbongate::ledger

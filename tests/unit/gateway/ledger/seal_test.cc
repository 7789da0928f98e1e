#include "gateway/ledger/seal.h"

#include <gtest/gtest.h>

#include "ledger_fixtures.h"

namespace carbongate::ledger {
namespace {

using namespace ledger_test;

// RFC 8032 section 7.1, test 2: the private key as PKCS #8, its public key, and the signature of the octet 0x72.
constexpr const char* kPem =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n-----END PRIVATE "
    "KEY-----\n";

TEST(Key, SignsAsTheStandardSays) {
  const auto key = SigningKey::parse_pem(kPem);
  ASSERT_TRUE(key);
  EXPECT_EQ(to_hex(key->public_key()), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const Signature signature = key->sign("\x72");
  EXPECT_EQ(
      to_hex(signature),
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb430"
      "2aeeb00d291612bb0c00");
  EXPECT_TRUE(is_signed("\x72", signature, key->public_key()));
  EXPECT_FALSE(is_signed("\x73", signature, key->public_key()));
}

TEST(Key, GoesThroughItsPem) {
  const SigningKey key = SigningKey::generate();
  EXPECT_EQ(SigningKey::parse_pem(key.pem())->public_key(), key.public_key());
  EXPECT_EQ(parse_public_pem(to_pem(key.public_key())), key.public_key());
  EXPECT_NE(SigningKey::generate().public_key(), key.public_key());
}

TEST(Key, RefusesOtherKeysAndWhatIsNone) {
  // An X25519 key: of the same size, for another purpose.
  constexpr const char* kOther =
      "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEACDRUqNJeacAWiCwP5/nNjdpAkZXJZEjJQ/JZ0x19FWw=\n-----END PUBLIC "
      "KEY-----\n";
  EXPECT_FALSE(parse_public_pem(kOther));
  EXPECT_FALSE(parse_public_pem(kPem));
  EXPECT_FALSE(parse_public_pem(""));
  EXPECT_FALSE(SigningKey::parse_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
  EXPECT_FALSE(SigningKey::parse_pem(to_pem(SigningKey::generate().public_key())));
}

SignedSeal seal(const SigningKey& key) {
  return sign({.site = "edz-1",
               .number = 3,
               .first = 101,
               .last = 200,
               .head = genesis("x"),
               .sealed_at = kStart,
               .key = {},
               .next_key = SigningKey::generate().public_key()},
              key);
}

TEST(Seal, GoesThroughItsLine) {
  const SignedSeal signed_seal = seal(SigningKey::generate());
  EXPECT_EQ(parse_seal(to_line(signed_seal.seal)), signed_seal.seal);
  EXPECT_TRUE(is_genuine(signed_seal));
}

TEST(Seal, IsTheSameForTheSameKeyAndContent) {
  const auto key = *SigningKey::parse_pem(kPem);
  SignedSeal one = seal(key);
  EXPECT_EQ(sign(one.seal, key), one);
}

TEST(Seal, IsNoLongerGenuineWithAnyBitChanged) {
  const SignedSeal original = seal(SigningKey::generate());
  for (std::size_t bit = 0; bit < original.signature.size() * 8; ++bit) {
    SignedSeal changed = original;
    changed.signature[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    EXPECT_FALSE(is_genuine(changed)) << "bit " << bit;
  }
  const std::string line = to_line(original.seal);
  for (std::size_t i = 0; i < line.size(); ++i) {
    for (const char c : {'0', '1', 'a', '\t', 'Z'}) {
      std::string changed = line;
      changed[i] = c;
      if (changed == line) continue;
      const auto parsed = parse_seal(changed);
      EXPECT_FALSE(parsed && is_genuine({*parsed, original.signature})) << changed;
    }
  }
}

TEST(Seal, RefusesLinesThatItDoesNotWrite) {
  const std::string line = to_line(seal(SigningKey::generate()).seal);
  EXPECT_FALSE(parse_seal(""));
  EXPECT_FALSE(parse_seal(line + "\t"));
  EXPECT_FALSE(parse_seal(line + " "));
  EXPECT_FALSE(parse_seal("carbongate-seal-2" + line.substr(17)));
}

}  // namespace
}  // namespace carbongate::ledger

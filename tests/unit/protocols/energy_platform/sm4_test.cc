#include "protocols/energy_platform/sm4.h"

#include <gtest/gtest.h>

#include <string>

namespace carbongate::energy_platform {
namespace {

constexpr const char* kKey = "0123456789ABCDEFFEDCBA9876543210";

struct Vector {
  const char* plain;
  const char* cipher;
};
constexpr Vector kVectors[] = {
    {"1", "b265308ec733dc5cd02ea745329dc5f9"},
    {"1234.56", "f266119fd430b3be98d167992b28e0b2"},
    {"0000000000023300", "78193e217757b229e2b00e433a4b6b12002a8a4efa863ccad024ac0300bb40d2"},
    {"2026-08-01 00:00:00", "efa82c1f183d9766e83ada8f588d59e9479c00b3cae05c920a9ce19063aadb57"},
    {"00-00-0000-023300-11", "ef49d2a4d631f9fc3ae6db23a5998f23aafd0fd6242c37e636e90e8e5e5b967a"},
};

TEST(Sm4, EncryptsAsPublished) {
  for (const auto& [plain, cipher] : kVectors) {
    EXPECT_EQ(sm4_encrypt(kKey, plain), cipher);
    EXPECT_EQ(sm4_decrypt(kKey, cipher), plain);
  }
}

// The example of GB/T 32907: its block comes first, a whole one of padding behind it.
TEST(Sm4, HasTheBlockOfTheStandard) {
  const std::string block = "\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10";
  EXPECT_EQ(sm4_encrypt(kKey, block)->substr(0, 32), "681edf34d206965e86b3e94f536e4246");
}

TEST(Sm4, SmallLettersAreTheSameKey) {
  EXPECT_EQ(sm4_encrypt("0123456789abcdeffedcba9876543210", "1"), sm4_encrypt(kKey, "1"));
}

TEST(Sm4, RefusesWhatIsNoKeyAndNoCipher) {
  EXPECT_FALSE(sm4_encrypt("", "1"));
  EXPECT_FALSE(sm4_encrypt("0123456789ABCDEFFEDCBA987654321", "1"));
  EXPECT_FALSE(sm4_encrypt("0123456789ABCDEFFEDCBA98765432xy", "1"));
  EXPECT_FALSE(sm4_decrypt(kKey, ""));
  EXPECT_FALSE(sm4_decrypt(kKey, "b265308ec733dc5cd02ea745329dc5"));
  EXPECT_FALSE(sm4_decrypt(kKey, "b265308ec733dc5cd02ea745329dc5zz"));
  EXPECT_FALSE(sm4_decrypt("00000000000000000000000000000000", "b265308ec733dc5cd02ea745329dc5f9")) << "another key";
}

}  // namespace
}  // namespace carbongate::energy_platform

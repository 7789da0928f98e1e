#include "gateway/ops/access/password.h"

#include <gtest/gtest.h>

#include "known_randomness.h"

namespace carbongate::access {
namespace {

TEST(Password, IsKnownByItsHashAndNoOtherIs) {
  const PasswordHash hash = hash_password("correct horse battery", KnownRandomness());
  EXPECT_TRUE(is_password("correct horse battery", hash));
  EXPECT_FALSE(is_password("correct horse batterz", hash));
  EXPECT_FALSE(is_password("", hash));
}

TEST(Password, IsHashedByScryptOfRfc7914) {
  // Worked out by Python: hashlib.scrypt(b"pleaseletmein", salt=bytes(range(1, 17)), n=2**15, r=8, p=1, dklen=32)
  const PasswordHash hash = hash_password("pleaseletmein", KnownRandomness());
  EXPECT_EQ(to_text(hash),
            "scrypt:ln=15,r=8,p=1:0102030405060708090a0b0c0d0e0f10:"
            "791e0d9795086f37310773ddf7d16bcd20ede328b7791b36fd45755ab901f096");
}

TEST(Password, SurvivesTheFile) {
  PasswordHash hash{.salt = {1, 2, 3}, .hash = {4, 5, 6}};
  EXPECT_EQ(parse_password_hash(to_text(hash)), hash);
  hash.ln = 17;
  hash.p = 4;
  EXPECT_EQ(parse_password_hash(to_text(hash)), hash);
}

TEST(Password, WithParametersTooWeakOrTooDearIsNone) {
  const std::string text = to_text(PasswordHash{});
  const auto with = [&text](std::string_view parameters) {
    return "scrypt:" + std::string(parameters) + text.substr(text.find(':', 7));
  };
  EXPECT_TRUE(parse_password_hash(with("ln=15,r=8,p=1")));
  for (const char* parameters : {"ln=14,r=8,p=1", "ln=18,r=8,p=1", "ln=15,r=7,p=1", "ln=15,r=9,p=1", "ln=15,r=8,p=0",
                                 "ln=15,r=8,p=5", "ln=,r=8,p=1", "ln=15,r=8", "ln=99999999999,r=8,p=1", ""}) {
    EXPECT_FALSE(parse_password_hash(with(parameters))) << parameters;
  }
  EXPECT_FALSE(parse_password_hash(text + "0"));
  EXPECT_FALSE(parse_password_hash(text.substr(0, text.size() - 1)));
  EXPECT_FALSE(parse_password_hash(""));
}

TEST(Password, OfNobodyFitsNothing) {
  EXPECT_FALSE(is_password("", decoy()));
  EXPECT_FALSE(is_password("0000000000", decoy()));
}

TEST(Password, LongerThanAnyCanBeIsNone) {
  const std::string longest(kPasswordBytesMax, 'x');
  const PasswordHash hash = hash_password(longest, KnownRandomness());
  EXPECT_TRUE(is_password(longest, hash));
  EXPECT_FALSE(is_password(longest + "x", hash));
  EXPECT_FALSE(is_password(longest + "x", hash_password("", KnownRandomness()))) << "it must not count as an empty one";
}

TEST(Password, ThatIsEasyToGuessIsRefusedWithTheReason) {
  EXPECT_EQ(why_no_password("9 letters", "li"), "the password has 9 characters; at least 10 are needed");
  EXPECT_EQ(why_no_password("一二三四五六七八九十", "li"), "") << "characters are counted, not bytes";
  EXPECT_NE(why_no_password("一二三四五六七八九", "li"), "");
  EXPECT_EQ(why_no_password("my Li.Wei password", "li.wei"), "the password contains the user's name");
  EXPECT_EQ(why_no_password("ababababababab", "li"), "the password repeats the same few characters");
  EXPECT_NE(why_no_password("with a\ttabulator", "li"), "");
  EXPECT_NE(why_no_password("not \xff UTF-8 at all", "li"), "");
  EXPECT_EQ(why_no_password(std::string(kPasswordBytesMax + 1, 'x'), "li"), "the password is longer than 1024 bytes");
  EXPECT_EQ(why_no_password("correct horse battery", "li.wei"), "");
}

}  // namespace
}  // namespace carbongate::access

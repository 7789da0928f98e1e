#include "gateway/ledger/chain.h"

#include <gtest/gtest.h>

namespace carbongate::ledger {
namespace {

TEST(Chain, HashesAsTheStandardSays) {  // FIPS 180-4, example "abc"
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Chain, BeginsWithItsFormatAndSite) {
  EXPECT_EQ(genesis("edz-1"), sha256("carbongate-ledger-1\tedz-1"));
  EXPECT_NE(genesis("edz-1"), genesis("edz-2"));
}

TEST(Chain, HashesTheHashBeforeAndTheLine) {
  const Hash before = genesis("edz-1");
  EXPECT_EQ(next_hash(before, "line"), sha256(std::string(before.begin(), before.end()) + "line"));
}

TEST(Head, HasOneText) {
  const Head head{35'040, genesis("edz-1")};
  EXPECT_EQ(parse_head(to_string(head)), head);
  const std::string hash = to_hex(head.hash);
  for (const std::string& text : {std::string(), hash, ":" + hash, "1:" + hash + "0", "1:" + hash.substr(1),
                                  "01:" + hash, "-1:" + hash, "1 :" + hash, "99999999999999999999:" + hash}) {
    EXPECT_FALSE(parse_head(text)) << text;
  }
}

TEST(Hex, IsLowerCaseOnly) {
  EXPECT_EQ(from_hex<2>("0aff"), (std::array<std::uint8_t, 2>{0x0a, 0xff}));
  EXPECT_FALSE(from_hex<2>("0aFf"));
  EXPECT_FALSE(from_hex<2>("0af"));
  EXPECT_FALSE(from_hex<2>("0af "));
}

}  // namespace
}  // namespace carbongate::ledger

#include "gateway/ops/access/people.h"

#include <gtest/gtest.h>

#include "known_randomness.h"

namespace carbongate::access {
namespace {

using namespace std::chrono_literals;

constexpr Instant kNow{Duration(1'790'000'000'000)};

std::string problems_of_users(const std::string& text) {
  config::Problems problems;
  parse_users(text, "users", problems);
  return problems.to_text();
}

TEST(People, UsersSurviveTheirFile) {
  const std::vector<User> users{{.name = "li.wei", .role = Role::operator_, .password = {.salt = {1}}},
                                {.name = "王芳", .role = Role::administrator, .password = {.hash = {2}}}};
  config::Problems problems;
  EXPECT_EQ(parse_users(to_text(users), "users", problems), users);
  EXPECT_EQ(problems.to_text(), "");
}

TEST(People, TokensSurviveTheirFile) {
  KnownRandomness randomness;
  const std::vector<Token> tokens{
      make_token("erp", Role::viewer, kNow, kNow + 24h, std::ref(randomness)).token,
      make_token("prometheus", Role::metrics, kNow, std::nullopt, std::ref(randomness)).token};
  config::Problems problems;
  EXPECT_EQ(parse_tokens(to_text(tokens), "tokens", problems), tokens);
  EXPECT_EQ(problems.to_text(), "");
}

TEST(People, AFileOfUsersThatIsNoneSaysWhere) {
  const std::string hash = to_text(PasswordHash{});
  EXPECT_NE(problems_of_users("").find("empty; the first line must be 'carbongate-users-1'"), std::string::npos);
  EXPECT_NE(problems_of_users("carbongate-users-2\n").find("users:1:1: error:"), std::string::npos);
  const std::string head = "carbongate-users-1\n# a comment\n\n";
  EXPECT_EQ(problems_of_users(head + "a viewer " + hash + "\n"), "");
  EXPECT_NE(problems_of_users(head + "a viewer\n").find("users:4:1: error: not NAME ROLE PASSWORD"), std::string::npos);
  EXPECT_NE(problems_of_users(head + "a viewer " + hash).find("cut off"), std::string::npos);
  EXPECT_NE(problems_of_users(head + "a metrics " + hash + "\n").find("no role of a user"), std::string::npos);
  EXPECT_NE(problems_of_users(head + "a viewer secret\n").find("none that this version can check"), std::string::npos);
  EXPECT_EQ(problems_of_users(head + "a viewer secret\n").find("secret"), std::string::npos)
      << "what may be a password is not repeated";
  const std::string one = "a viewer " + hash + "\n";
  EXPECT_NE(problems_of_users(head + one + one).find("users:5:1: error: 'a' is there twice"), std::string::npos);
}

TEST(People, AFileOfTokensThatIsNoneSaysWhere) {
  const std::string good = "0011aabb viewer 1 - " + std::string(64, '0') + " erp\n";
  const auto problems_of = [](const std::string& lines) {
    config::Problems problems;
    parse_tokens("carbongate-tokens-1\n" + lines, "tokens", problems);
    return problems.to_text();
  };
  EXPECT_EQ(problems_of(good), "");
  EXPECT_NE(problems_of(good + good).find("twice"), std::string::npos);
  EXPECT_NE(problems_of("0011AABB" + good.substr(8)).find("is no id"), std::string::npos);
  EXPECT_NE(problems_of("0011aabb root 1 - " + std::string(64, '0') + " erp\n").find("no role"), std::string::npos);
  EXPECT_NE(problems_of("0011aabb viewer -1 - " + std::string(64, '0') + " erp\n").find("a time"), std::string::npos);
  EXPECT_NE(problems_of("0011aabb viewer 1 x " + std::string(64, '0') + " erp\n").find("a time"), std::string::npos);
  EXPECT_NE(problems_of("0011aabb viewer 1 - " + std::string(63, '0') + " erp\n").find("no SHA-256"),
            std::string::npos);
  EXPECT_NE(problems_of("0011aabb viewer 1 - " + std::string(64, '0') + " .erp\n").find("no name"), std::string::npos);
}

TEST(People, MoreThanTheLimitAreRefused) {
  std::string text = "carbongate-users-1\n";
  for (std::size_t i = 0; i <= kUsersMax; ++i)
    text += "u" + std::to_string(i) + " viewer " + to_text(PasswordHash{}) + "\n";
  EXPECT_NE(problems_of_users(text).find("more than 500 users"), std::string::npos);
}

TEST(People, NamesAreLettersDigitsAndIdeographs) {
  for (const char* name : {"a", "li.wei", "Li_Wei-2", "li@park.example", "李伟", "㐀", "李.伟"}) {
    EXPECT_EQ(why_no_name(name), "") << name;
  }
  for (const char* name : {"", " ", "a b", ".a", "a.", "a:b", "a/b", "<script>", "a\n", "é", "\xe6\x9d",
                           "\xe2\x80\xae"
                           "a",
                           "Ａ", "a\"b"}) {
    EXPECT_NE(why_no_name(name), "") << name;
  }
  EXPECT_EQ(why_no_name(std::string(64, 'a')), "");
  EXPECT_NE(why_no_name(std::string(65, 'a')), "");
}

TEST(People, ATokenIsFoundByItselfAlone) {
  KnownRandomness randomness;
  const NewToken one = make_token("one", Role::viewer, kNow, std::nullopt, std::ref(randomness));
  const NewToken two = make_token("two", Role::viewer, kNow, std::nullopt, std::ref(randomness));
  const std::vector<Token> tokens{one.token, two.token};
  EXPECT_EQ(one.text.size(), 4U + 8U + 1U + 64U);
  EXPECT_TRUE(one.text.starts_with("cgt_" + one.token.id + "_"));
  EXPECT_EQ(find_token(tokens, one.text), &tokens[0]);
  EXPECT_EQ(find_token(tokens, two.text), &tokens[1]);
  EXPECT_EQ(find_token(tokens, one.text.substr(0, 13) + two.text.substr(13)), nullptr) << "the secret of another";
  EXPECT_EQ(find_token(tokens, one.text + "0"), nullptr);
  EXPECT_EQ(find_token(tokens, one.text.substr(0, 76)), nullptr);
  EXPECT_EQ(find_token(tokens, ledger::to_hex(one.token.hash)), nullptr) << "the file's contents let nobody in";
  EXPECT_EQ(find_token(tokens, ""), nullptr);
  EXPECT_EQ(find_token({}, one.text), nullptr);
}

TEST(People, RolesIncludeThoseBefore) {
  EXPECT_TRUE(covers(Role::administrator, Role::operator_));
  EXPECT_TRUE(covers(Role::operator_, Role::viewer));
  EXPECT_TRUE(covers(Role::viewer, Role::metrics));
  EXPECT_FALSE(covers(Role::metrics, Role::viewer));
  EXPECT_FALSE(covers(Role::operator_, Role::administrator));
  for (const char* name : {"metrics", "viewer", "operator", "administrator"}) {
    EXPECT_EQ(name_of(*find_role(name)), name);
  }
  EXPECT_FALSE(find_role("root"));
}

}  // namespace
}  // namespace carbongate::access

#include "gateway/ops/request.h"

#include <gtest/gtest.h>

#include "gateway/ops/problem.h"

namespace carbongate::ops {
namespace {

using Segments = std::vector<std::string>;

TEST(Target, IsReadAsPathAndQuery) {
  const auto target =
      parse_target("/api/v1/ledger/entries/a%2Fb%40c/explanation?from=2026-01-01T08%3A00%2B08%3A00&x=%E5%8E%82&y");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->segments, (Segments{"api", "v1", "ledger", "entries", "a/b@c", "explanation"}));
  EXPECT_EQ(target->query.at("from"), "2026-01-01T08:00+08:00");
  EXPECT_EQ(target->query.at("x"), "厂");
  EXPECT_EQ(target->query.at("y"), "");
  EXPECT_EQ(parse_target("/")->segments, Segments{});
  EXPECT_EQ(parse_target("/a/")->segments, (Segments{"a", ""}));
}

TEST(Target, IsNoneIfItCouldMeanTwoThings) {
  for (const char* text : {"",      "a",       "/..",        "/a/../b",       "/a/%2e%2E",  "/./a",  "//a",
                           "/a//b", "/%",      "/%4",        "/%zz",          "/%00",       "/%0a",  "/%7f",
                           "/%ff",  "/%c0%af", "/%ed%a0%80", "/%f5%80%80%80", "/a?x=1&x=2", "/a?x=%"}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
}

TEST(Request, SaysWhichParameterIsWrong) {
  Request request{.call = {}, .path = {}, .query = {{"limit", "7"}, {"by", "user"}, {"bad", "1x"}}};
  EXPECT_EQ(request.number("limit", 100, 1, 1000), 7U);
  EXPECT_EQ(request.number("absent", 100, 1, 1000), 100U);
  EXPECT_EQ(request.one_of("by", {"scope", "user"}), "user");
  EXPECT_EQ(request.one_of("absent", {"scope", "user"}), "scope");
  try {
    request.number("bad", 1, 1, 9);
    FAIL();
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.status, 400);
    EXPECT_EQ(refusal.detail, "bad: '1x' is no whole number from 1 to 9");
  }
  EXPECT_THROW(request.number("limit", 1, 8, 9), Refusal);
  EXPECT_THROW(request.one_of("by", {"scope", "gas"}), Refusal);
}

}  // namespace
}  // namespace carbongate::ops

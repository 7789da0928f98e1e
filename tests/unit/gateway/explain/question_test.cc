#include "gateway/explain/question.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/model/entry_name.h"

namespace carbongate::explain {
namespace {

using namespace std::chrono_literals;
using model::Period;

constexpr const char* kZone = "Asia/Shanghai";

Question understood(std::string_view text) {
  const auto question = parse_question(text, kZone);
  EXPECT_TRUE(question.has_value()) << text;
  return question.has_value() ? *question : Question{};
}

TEST(Question, IsANameOfTheBooks) {
  const Question q = understood("press-shop/electricity/incomer.energy@2026-01-01T00:15:00Z#3");
  EXPECT_EQ(q.user, "press-shop");
  EXPECT_EQ(q.carrier, "electricity");
  EXPECT_EQ(q.device, "incomer");
  EXPECT_EQ(q.point, "energy");
  EXPECT_EQ(q.revision, 3U);
  EXPECT_FALSE(q.period);
  EXPECT_EQ(model::format_utc(q.span.begin), "2026-01-01T00:15:00Z");
  EXPECT_EQ(q.account(), "press-shop/electricity/incomer.energy");
}

TEST(Question, NeedsNoRevisionAndTakesTheTimesOfExports) {
  const Question q = understood("press-shop/electricity/incomer.energy@2026-01-01T08:15:00+08:00");
  EXPECT_FALSE(q.revision);
  EXPECT_EQ(model::format_utc(q.span.begin), "2026-01-01T00:15:00Z");
  const Question west = understood("a/electricity/b.c@2026-01-01T08:15:00.250-03:30");
  EXPECT_EQ(model::format_utc(west.span.begin), "2026-01-01T11:45:00.250Z");
}

TEST(Question, MayBeOfAPeriodInTheSitesZone) {
  const Question day = understood("press-shop/electricity/incomer.energy@2026-01-03");
  EXPECT_EQ(day.period, Period::day);
  EXPECT_EQ(model::format_utc(day.span.begin), "2026-01-02T16:00:00Z");
  EXPECT_EQ(day.span.end - day.span.begin, 24h);
  const Question month = understood("press-shop@2026-02");
  EXPECT_EQ(month.period, Period::month);
  EXPECT_EQ(month.span.end - month.span.begin, 28 * 24h);
  EXPECT_EQ(month.account(), "press-shop");
  const Question year = understood("press-shop/electricity@2026");
  EXPECT_EQ(year.period, Period::year);
  EXPECT_EQ(year.account(), "press-shop/electricity");
}

TEST(Question, MayBeOfAScope) {
  const Question question = parse_question("press-shop/scope-2@2026-01", "UTC").value();
  EXPECT_EQ(question.scope, model::Scope::energy);
  EXPECT_TRUE(question.carrier.empty());
  EXPECT_EQ(question.account(), "press-shop/scope-2");
  EXPECT_TRUE(parse_question("press-shop/scope-3@2026-01", "UTC").has_error());
  EXPECT_TRUE(parse_question("press-shop/scope-1/a.b@2026-01", "UTC").has_error());
}

TEST(Question, RefusesEverythingElse) {
  for (const char* wrong :
       {"", "@", "a@", "a", "a@2026-02-30", "a@1969", "a/b/c@2026", "a/b/c.@2026", "a/b/.d@2026", "/b/c.d@2026",
        "a//c.d@2026", "a@2026-01-01T00:15:00Z", "a/b/c.d@2026-01-01T00:15:00", "a/b/c.d@2026-01-01T00:15:00+0800",
        "a/b/c.d@2026-01-01T00:15:00Z#-1", "a/b/c.d@2026-01-01T00:15:00Z#4294967296",
        "a/b/c.d@2026-01-01T25:15:00+08:00", "a@2026#0"}) {
    const auto question = parse_question(wrong, kZone);
    ASSERT_TRUE(question.has_error()) << wrong;
    EXPECT_EQ(question.error().code, boost::system::errc::invalid_argument) << wrong;
  }
}

}  // namespace
}  // namespace carbongate::explain

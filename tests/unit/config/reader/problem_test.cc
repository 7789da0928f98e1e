#include "config/reader/problem.h"

#include <gtest/gtest.h>

namespace carbongate::config {
namespace {

const std::vector<std::string> kKeys = {"address", "unit", "profile", "interval"};

TEST(Nearest, FindsMisspelledWords) {
  EXPECT_EQ(nearest("adress", kKeys), "address");
  EXPECT_EQ(nearest("unti", kKeys), "unit");
  EXPECT_EQ(nearest("Profile", kKeys), "profile");
  EXPECT_EQ(nearest("intervall", kKeys), "interval");
  EXPECT_EQ(nearest("interval_seconds", kKeys), "interval");
  EXPECT_EQ(nearest("addr", kKeys), "address");
}

TEST(Nearest, FindsNothingWhenNothingIsNear) {
  EXPECT_EQ(nearest("colour", kKeys), "");
  EXPECT_EQ(nearest("", kKeys), "");
  EXPECT_EQ(nearest("x", std::vector<std::string>{"V"}), "");
  EXPECT_EQ(nearest(std::string(1000, 'a'), kKeys), "");
}

TEST(Nearest, CountsCaseLeast) {
  EXPECT_EQ(nearest("kwh", std::vector<std::string>{"kvarh", "kW", "kWh"}), "kWh");
  EXPECT_EQ(nearest("MWH", std::vector<std::string>{"mWh", "MWh"}), "MWh");
}

TEST(Suggestion, OffersOneOrLists) {
  EXPECT_EQ(suggestion("adress", kKeys), "; did you mean 'address'?");
  EXPECT_EQ(suggestion("colour", kKeys), "; known: address, unit, profile, interval");
  EXPECT_EQ(suggestion("colour", {}), "");
  std::vector<std::string> many;
  for (int i = 0; i < 20; ++i) many.push_back("number-" + std::to_string(i));
  EXPECT_NE(suggestion("colour", many).find(", and 8 more"), std::string::npos);
}

TEST(Problems, AreListedByFileAndPlace) {
  Problems problems;
  problems.error({"b.yaml", 3, 1}, "one");
  problems.warning({"a.yaml", 9, 2}, "two");
  problems.error({"b.yaml", 1, 7}, "three");
  problems.error({"b.yaml", 1, 7}, "four");
  problems.error({"b.yaml", 0, 0}, "five");
  EXPECT_EQ(problems.to_text(),
            "b.yaml: error: five\n"
            "b.yaml:1:7: error: three\n"
            "b.yaml:1:7: error: four\n"
            "b.yaml:3:1: error: one\n"
            "a.yaml:9:2: warning: two\n");
}

TEST(Problems, AreToldOnce) {
  Problems problems;
  problems.error({"a.yaml", 1, 1}, "x");
  problems.error({"a.yaml", 1, 1}, "x");
  problems.error({"a.yaml", 1, 2}, "x");
  EXPECT_EQ(problems.all().size(), 2u);
}

TEST(Problems, BeyondAThousandAreOnlyCounted) {
  Problems problems;
  for (int i = 0; i < 1500; ++i) problems.warning({"a.yaml", i + 1, 1}, "x");
  EXPECT_EQ(problems.all().size(), Problems::kKeptMax);
  EXPECT_FALSE(problems.has_errors());
  problems.error({"a.yaml", 1, 1}, "y");
  EXPECT_TRUE(problems.has_errors());
  EXPECT_TRUE(problems.to_text().ends_with("... and 501 more problems\n"));
}

TEST(Problems, ThatQuoteAnythingAreStillShortLinesOfText) {
  Problems problems;
  problems.error({"a\x1b[31m.yaml", 1, 1}, "cannot read 'b\nc" + std::string(5000, 'x') + "'");
  const std::string text = problems.to_text();
  EXPECT_EQ(text.substr(0, 46), "a?[31m.yaml:1:1: error: cannot read 'b?cxxxxxx") << text;
  EXPECT_LT(text.size(), 1200u);
  EXPECT_TRUE(text.ends_with("...\n"));
}

TEST(Problems, WarningsAreNoErrors) {
  Problems problems;
  problems.warning({}, "x");
  EXPECT_FALSE(problems.has_errors());
  problems.error({}, "x");
  EXPECT_TRUE(problems.has_errors());
}

}  // namespace
}  // namespace carbongate::config

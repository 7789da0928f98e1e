#include "config/reader/reader.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "tests/support/temporary_directory.h"

namespace carbongate::config {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

struct Text {
  explicit Text(std::string_view text) : node(parse_text(text, "a.yaml", problems)), in(node, problems) {}
  Problems problems;
  Node node;
  Reader in;
};

TEST(Duration, NeedsANumberAndAUnit) {
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("15 min"), 15min);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("180d"), 180 * 24h);
  for (const char* bad :
       {"", "5", "s", "-1s", "1m", "1.0001s", "1e3s", "0x5s", "nan s", "1 s ", "9999999999d", "1sec", " 1s"}) {
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
  }
}

TEST(Duration, IsPrintedInTheLargestWholeUnit) {
  EXPECT_EQ(format_duration(0ms), "0s");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(48h), "2d");
}

TEST(Reader, ReadsEveryType) {
  Text t("{s: 广元, n: 12, h: 0x1F, neg: -5, d: 1e3, b: true, t: 5s, one: x, list: [a, b], big: 18446744073709551615}");
  EXPECT_EQ(t.in.required<std::string>("s"), "广元");
  EXPECT_EQ(t.in.required<int>("n"), 12);
  EXPECT_EQ(t.in.required<std::uint16_t>("h"), 0x1F);
  EXPECT_EQ(t.in.required<std::int64_t>("neg"), -5);
  EXPECT_EQ(t.in.required<double>("d"), 1000.0);
  EXPECT_TRUE(t.in.required<bool>("b"));
  EXPECT_EQ(t.in.required<milliseconds>("t"), 5s);
  EXPECT_EQ(t.in.required<std::vector<std::string>>("one"), std::vector<std::string>{"x"});
  EXPECT_EQ(t.in.required<std::vector<std::string>>("list"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(t.in.required<std::uint64_t>("big"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(t.in.optional<double>("gone"), std::nullopt);
  EXPECT_EQ(t.in.value_or("gone", 10s), 10s);
  EXPECT_EQ(t.in.value_or("gone", "text"), "text");
  t.in.finish();
  EXPECT_EQ(t.problems.to_text(), "");
}

TEST(Reader, SaysWhatIsOfAWrongType) {
  Text t("a: one\nb: \"2\"\nc: 70000\nd: -1\ne: [1]\nf: 5\ng: yes\nh: {x: 1}\ni: nan\nj: 1e999\nk: 3x\nl: 5 m\n");
  t.in.required<int>("a");
  t.in.required<int>("b");
  t.in.required<std::uint16_t>("c");
  t.in.required<std::uint16_t>("d");
  t.in.required<double>("e");
  t.in.required<milliseconds>("f");
  t.in.required<bool>("g");
  t.in.required<std::string>("h");
  t.in.required<double>("i");
  t.in.required<double>("j");
  t.in.required<int>("k");
  t.in.required<milliseconds>("l");
  EXPECT_EQ(t.problems.to_text(),
            "a.yaml:1:4: error: a: expected a whole number, found 'one'\n"
            "a.yaml:2:4: error: b: expected a whole number, found the text '2'; remove the quotes\n"
            "a.yaml:3:4: error: c: '70000' is out of range; allowed: 0 to 65535\n"
            "a.yaml:4:4: error: d: '-1' is out of range; allowed: 0 to 65535\n"
            "a.yaml:5:4: error: e: expected a number, found a list\n"
            "a.yaml:6:4: error: f: '5' has no unit; write it as '5s', or with ms, min, h, d\n"
            "a.yaml:7:4: error: g: expected true or false, found 'yes'\n"
            "a.yaml:8:4: error: h: expected a text, found a map\n"
            "a.yaml:9:4: error: i: expected a number, found 'nan'\n"
            "a.yaml:10:4: error: j: '1e999' is beyond what a number can hold\n"
            "a.yaml:11:4: error: k: expected a whole number, found '3x'\n"
            "a.yaml:12:4: error: l: expected a duration such as 500ms, 1s, 15min, 2h or 180d, found '5 m'\n");
}

TEST(Reader, KnowsTheEndsOfWholeNumbers) {
  Text t(
      "{a: -9223372036854775808, b: 9223372036854775807, c: 9223372036854775808, d: -9223372036854775809, e: -129, f: "
      "-128}");
  EXPECT_EQ(t.in.required<std::int64_t>("a"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(t.in.required<std::int64_t>("b"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(t.problems.to_text(), "");
  t.in.required<std::int64_t>("c");
  t.in.required<std::int64_t>("d");
  t.in.required<std::int8_t>("e");
  EXPECT_EQ(t.in.required<std::int8_t>("f"), -128);
  EXPECT_EQ(t.problems.all().size(), 3u);
}

TEST(Reader, SaysWhatIsMissing) {
  Text t("a:\n");
  t.in.required<int>("a");
  t.in.required<int>("b");
  t.in.required_items("c");
  EXPECT_EQ(t.problems.to_text(),
            "a.yaml:1:1: error: a: missing\n"
            "a.yaml:1:1: error: b: missing\n"
            "a.yaml:1:1: error: c: missing\n");
}

TEST(Reader, NamesBothLimitsOfARange) {
  Text t("interval: 50ms\nport: 99999\nshare: 1.5\n");
  EXPECT_EQ(t.in.in_range<milliseconds>("interval", 1s, 100ms, 1h), 1s);
  EXPECT_EQ(t.in.in_range<int>("port", 502, 1, 65535), 502);
  t.in.in_range<double>("share", 0.5, 0, 1);
  EXPECT_EQ(t.problems.to_text(),
            "a.yaml:1:11: error: interval: 50ms is out of range; allowed: 100ms to 1h\n"
            "a.yaml:2:7: error: port: 99999 is out of range; allowed: 1 to 65535\n"
            "a.yaml:3:8: error: share: 1.5 is out of range; allowed: 0 to 1\n");
}

TEST(Reader, OffersTheRightWord) {
  Text t("{kind: cumulativ, other: b}");
  EXPECT_EQ(t.in.one_of("kind", {"cumulative", "interval"}, 1), 1u);
  EXPECT_EQ(t.in.one_of("other", {"a", "b"}, 0), 1u);
  EXPECT_EQ(t.in.one_of("gone", {"a", "b"}, 0), 0u);
  EXPECT_EQ(t.problems.to_text(), "a.yaml:1:8: error: kind: unknown value 'cumulativ'; did you mean 'cumulative'?\n");
}

TEST(Reader, ReportsUnknownKeysWithTheNearestFreeOne) {
  Text t("outer: {adress: x, unit: 1, unti: 2, zzzzzz: 3}");
  Reader in(*t.in.child("outer"), t.problems);
  in.optional<std::string>("address");
  in.optional<int>("unit");
  in.finish();
  t.in.finish();
  EXPECT_EQ(t.problems.to_text(),
            "a.yaml:1:9: error: outer: unknown key 'adress'; did you mean 'address'?\n"
            "a.yaml:1:29: error: outer: unknown key 'unti'; did you mean 'unit'?\n"
            "a.yaml:1:38: error: outer: unknown key 'zzzzzz'; known: address, unit\n");
}

TEST(Reader, OfSomethingElseThanAMapSaysSoOnce) {
  Text t("- a\n- b\n");
  t.in.required<int>("x");
  t.in.finish();
  EXPECT_EQ(t.problems.to_text(), "a.yaml:1:1: error: expected a map ('key: value'), found a list\n");
}

TEST(Reader, AddsNothingToASyntaxError) {
  Text t("a: [");
  t.in.required<int>("x");
  t.in.finish();
  EXPECT_EQ(t.problems.all().size(), 1u);
}

TEST(Reader, TakesAnEmptyListForNone) {
  Text t("a:\nb: 5\n");
  EXPECT_TRUE(t.in.items("a").empty());
  EXPECT_EQ(t.problems.to_text(), "");
  EXPECT_TRUE(t.in.items("b").empty());
  EXPECT_EQ(t.problems.to_text(), "a.yaml:2:4: error: b: expected a list, found '5'\n");
}

TEST(Reader, MissesNothingInAMapThatMayGoOnElsewhere) {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() / "site.yaml") << "include: gone.yaml\nsite: {id: 7}\ndevices: [{}]\n";
  Problems problems;
  const Node root = parse_file(directory.path() / "site.yaml", problems);
  problems = {};
  Reader in(root, problems);
  in.required<std::string>("store");
  in.required_items("energy_users");
  Reader(*in.child("site"), problems).required<std::string>("timezone");
  EXPECT_EQ(problems.to_text(), "");
  Reader(in.items("devices")[0], problems).required<std::string>("id");
  EXPECT_EQ(problems.all().size(), 1u) << "a device stands in one file: " << problems.to_text();
}

}  // namespace
}  // namespace carbongate::config

#include "config/reader/node.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace carbongate::config {
namespace {

using testing::HasSubstr;

std::string problems_of(std::string_view text) {
  Problems problems;
  parse_text(text, "a.yaml", problems);
  return problems.to_text();
}

TEST(Node, KnowsLineAndColumnOfKeysAndValues) {
  Problems problems;
  const Node root =
      parse_text("site: {id: edz-1}\ndevices:\n  - id: press\n    points: [a, \"b\"]\n", "a.yaml", problems);
  EXPECT_EQ(problems.to_text(), "");
  ASSERT_TRUE(root.is_map());
  const Node& id = *root.find("site")->find("id");
  EXPECT_EQ(id.place().line, 1);
  EXPECT_EQ(id.place().column, 12);
  EXPECT_EQ(id.path(), "site.id");
  EXPECT_EQ(root.members()[1].key_place.line, 2);
  const Node& device = root.find("devices")->items().at(0);
  EXPECT_EQ(device.place().line, 3);
  EXPECT_EQ(device.place().column, 5);
  EXPECT_EQ(device.path(), "devices[0]");
  EXPECT_EQ(device.members()[1].key_place.column, 5);
  const Node& b = device.find("points")->items().at(1);
  EXPECT_EQ(b.path(), "devices[0].points[1]");
  EXPECT_EQ(b.place().column, 17);
  EXPECT_TRUE(b.quoted());
  EXPECT_FALSE(device.find("points")->items().at(0).quoted());
}

TEST(Node, CountsColumnsInCharactersNotBytes) {
  Problems problems;
  const Node root = parse_text("{name: 广元经开区, id: x}\n", "a.yaml", problems);
  EXPECT_EQ(root.find("id")->place().column, 19);
}

TEST(Node, IgnoresAByteOrderMarkAndCarriageReturns) {
  Problems problems;
  const Node root = parse_text(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: 2\r\n",
      "a.yaml", problems);
  EXPECT_EQ(problems.to_text(), "");
  EXPECT_EQ(root.find("a")->scalar(), "1");
  EXPECT_EQ(root.find("b")->scalar(), "2");
  EXPECT_EQ(root.members()[0].key_place.column, 1);
  EXPECT_EQ(root.members()[1].key_place.line, 2);
}

TEST(Node, SaysWhereTheSyntaxIsWrong) {
  EXPECT_EQ(
      problems_of("site:\n  id: a: b\n"),
      "a.yaml:2:8: error: YAML syntax: a second ':' in one line; put the text in quotes if the ':' belongs to it\n");
  EXPECT_EQ(problems_of("a: [1, 2\nb: 3\n").substr(0, 7), "a.yaml:");
  EXPECT_EQ(problems_of("a:\n\t- 1\n"), "a.yaml:2:1: error: YAML syntax: a tab; indent with spaces\n");
  EXPECT_EQ(problems_of("a:\n\tb: 1\n"), "a.yaml:2:1: error: YAML syntax: a tab; indent with spaces\n");
}

TEST(Node, MissesTheEndOfAQuoteWhateverTheFileEndsWith) {
  for (const std::string quote : {"'", "\""}) {
    for (const std::string end : {"", "\n", "\n\n", "\r\n", "\n  "}) {
      EXPECT_THAT(problems_of("a: 1\nb: " + quote + "text" + end),
                  HasSubstr("error: YAML syntax: a quote is never closed"));
    }
  }
}

TEST(Node, ReadsTheSameWithAndWithoutAnEndOfTheLastLine) {
  for (const std::string end : {"", "\n", "\n\n", "\r\n", "  ", " # a comment", "\n...", "\n...\n"}) {
    Problems problems;
    const Node root = parse_text("a: 1\nb: text" + end, "a.yaml", problems);
    EXPECT_EQ(problems.to_text(), "");
    EXPECT_EQ(root.find("b")->scalar(), "text");
  }
  Problems problems;
  EXPECT_EQ(parse_text("a: |\n  one\n  two\n", "a.yaml", problems).find("a")->scalar(), "one\ntwo\n");
}

TEST(Node, RefusesEscapedControlCharacters) {
  EXPECT_EQ(problems_of("a: 1\nb: \"x\\x1b]0;y\\a\"\n"),
            "a.yaml:2:4: error: an escaped control character; no value contains one\n");
  EXPECT_NE(problems_of("\"a\\0\": 1\n"), "");
  EXPECT_EQ(problems_of("a: \"x\\ty\\nz\"\n"), "");
}

TEST(Node, IsNullAfterASyntaxErrorSoThatNothingElseIsFoundMissing) {
  Problems problems;
  const Node root = parse_text("a: 1\nb: [\n", "a.yaml", problems);
  EXPECT_TRUE(problems.has_errors());
  EXPECT_TRUE(root.is_null());
}

TEST(Node, ReportsAKeyGivenTwiceAndKeepsTheFirst) {
  Problems problems;
  const Node root = parse_text("a: 1\nb: 2\na: 3\n", "a.yaml", problems);
  EXPECT_EQ(problems.to_text(), "a.yaml:3:1: error: key 'a' is given twice; first in line 1\n");
  EXPECT_EQ(root.find("a")->scalar(), "1");
}

TEST(Node, FollowsAnchorsAndMergeKeys) {
  Problems problems;
  const Node root = parse_text("base: &base {interval: 1s, unit: 1}\nmeters:\n  - {<<: *base, unit: 2}\n  - *base\n",
                               "a.yaml", problems);
  EXPECT_EQ(problems.to_text(), "");
  const Node& first = root.find("meters")->items().at(0);
  EXPECT_EQ(first.find("interval")->scalar(), "1s");
  EXPECT_EQ(first.find("interval")->path(), "meters[0].interval");
  EXPECT_EQ(first.find("interval")->place().line, 1) << "a wrong value is put right where it is written";
  EXPECT_EQ(first.find("unit")->scalar(), "2");
  EXPECT_EQ(root.find("meters")->items().at(1).find("unit")->path(), "meters[1].unit");
}

TEST(Node, StopsAtAnAliasBomb) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 1; j < 10; ++j) text += ", " + before;
    text += "]\n";
  }
  EXPECT_NE(problems_of(text).find("more than 200000 values"), std::string::npos);

  const std::string long_text = "a: &a \"" + std::string(1 << 20, 'x') + "\"\nb: [*a";
  std::string many = long_text;
  for (int i = 0; i < 40; ++i) many += ", *a";
  EXPECT_NE(problems_of(many + "]\n").find("more than 32 MiB of text"), std::string::npos);
}

TEST(Node, StopsAtTooDeepNesting) {
  EXPECT_EQ(problems_of(std::string(32, '[') + std::string(32, ']')), "");
  EXPECT_EQ(problems_of(std::string(33, '[') + std::string(33, ']')),
            "a.yaml:1:33: error: nested deeper than 32 levels\n");
  EXPECT_NE(problems_of("a: &a " + std::string(20, '[') + std::string(20, ']') + "\nb: " + std::string(20, '[') + "*a" +
                        std::string(20, ']') + "\n"),
            "");
  EXPECT_NE(problems_of("a: &a [*a]\n"), "");
}

TEST(Node, RefusesWhatIsNotText) {
  EXPECT_EQ(problems_of("a: 1\nb: \xFF\n"), "a.yaml:2:4: error: not a text in UTF-8: a byte that no text contains\n");
  EXPECT_NE(problems_of(std::string_view("a: \0b", 5)), "");
  EXPECT_NE(problems_of("a: \xED\xA0\x80"), "") << "a surrogate";
  EXPECT_NE(problems_of("a: \xC0\xAF"), "") << "an overlong form";
  EXPECT_NE(problems_of(std::string((4u << 20) + 1, ' ')), "");
}

TEST(Node, RefusesASecondDocumentAndKeysThatAreNoWords) {
  EXPECT_NE(problems_of("a: 1\n---\nb: 2\n").find("a second document"), std::string::npos);
  EXPECT_NE(problems_of("[a, b]: 1\n").find("a key is a plain word"), std::string::npos);
  EXPECT_NE(problems_of(std::string(300, 'k') + ": 1\n").find("longer than 256 bytes"), std::string::npos);
}

TEST(Node, OfAnEmptyFileIsNull) {
  Problems problems;
  EXPECT_TRUE(parse_text("", "a.yaml", problems).is_null());
  EXPECT_TRUE(parse_text("# only a comment\n", "a.yaml", problems).is_null());
  EXPECT_EQ(problems.to_text(), "");
}

class NodeFile : public testing::Test {
 protected:
  void write(const std::string& name, std::string_view text) { std::ofstream(directory_.path() / name) << text; }
  // Problems with the directory's own name taken out.
  std::string problems() const {
    std::string text = problems_.to_text();
    const std::string folder = directory_.path().string() + "/";
    for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder)) text.erase(at, folder.size());
    return text;
  }
  Node parse() { return parse_file(directory_.path() / "site.yaml", problems_); }

  TemporaryDirectory directory_;
  Problems problems_;
};

TEST_F(NodeFile, IncludesOthersAndAppendsTheirLists) {
  write("site.yaml", "include: [hall_1.yaml, hall_2.yaml]\ndevices: [{id: a}]\nbrokers: {x: 1}\n");
  write("hall_1.yaml", "devices: [{id: b}]\nbrokers: {y: 2}\n");
  write("hall_2.yaml", "devices:\n  - {id: c}\n");
  const Node root = parse();
  EXPECT_EQ(problems(), "");
  EXPECT_EQ(root.find("include"), nullptr);
  const auto& devices = root.find("devices")->items();
  ASSERT_EQ(devices.size(), 3u);
  EXPECT_EQ(devices[2].path(), "devices[2]");
  EXPECT_EQ(devices[2].find("id")->scalar(), "c");
  EXPECT_EQ(devices[2].place().file, (directory_.path() / "hall_2.yaml").string());
  EXPECT_EQ(root.find("brokers")->find("y")->scalar(), "2");
}

TEST_F(NodeFile, ReportsAKeyThatTwoFilesGive) {
  write("site.yaml", "include: b.yaml\nsite: {id: a}\n");
  write("b.yaml", "site: {id: b}\n");
  parse();
  EXPECT_EQ(problems(), "b.yaml:1:8: error: site.id: also given at site.yaml:2:8\n");
}

TEST_F(NodeFile, ReportsIncludeCyclesAndMissingFiles) {
  write("site.yaml", "include:\n  - b.yaml\n  - gone.yaml\n");
  write("b.yaml", "include: site.yaml\n");
  parse();
  EXPECT_EQ(problems(),
            "b.yaml:1:10: error: 'site.yaml' is included already\n"
            "site.yaml:3:5: error: cannot read 'gone.yaml': No such file or directory\n");
}

TEST_F(NodeFile, IsNotCompleteWithoutAnIncludedFile) {
  for (const char* wrong : {"gone.yaml", "broken.yaml", "list.yaml", "{}"}) {
    problems_ = {};
    write("site.yaml", "include: [" + std::string(wrong) + ", hall.yaml]\nbrokers: {x: {}}\ndevices: [{id: a}]\n");
    write("broken.yaml", "devices: [\n");
    write("list.yaml", "- id: c\n");
    write("hall.yaml", "devices: [{id: b}]\n");
    const Node root = parse();
    EXPECT_EQ(problems_.all().size(), 1u) << problems();
    ASSERT_TRUE(root.is_map()) << wrong;
    EXPECT_FALSE(root.is_complete()) << wrong;
    EXPECT_FALSE(root.find("brokers")->find("x")->is_complete()) << "maps are merged";
    ASSERT_EQ(root.find("devices")->items().size(), 2u) << wrong;
    EXPECT_TRUE(root.find("devices")->items()[0].is_complete()) << "an element of a list ends where it stands";
  }
}

TEST_F(NodeFile, IsCompleteWhenAFileIsIncludedTwice) {
  write("site.yaml", "include: [b.yaml, b.yaml]\n");
  write("b.yaml", "site: {id: a}\n");
  EXPECT_TRUE(parse().is_complete());
  EXPECT_EQ(problems(), "site.yaml:1:19: error: 'b.yaml' is included already\n");
}

TEST_F(NodeFile, ReportsItsOwnAbsence) {
  EXPECT_TRUE(parse().is_null());
  EXPECT_EQ(problems(), "site.yaml: error: cannot read 'site.yaml': No such file or directory\n");
}

}  // namespace
}  // namespace carbongate::config

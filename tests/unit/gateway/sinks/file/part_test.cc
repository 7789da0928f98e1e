#include "gateway/sinks/file/part.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace carbongate::sinks::file {
namespace {

using Format = tables::TableWriter::Format;

class PartTest : public ::testing::Test {
 protected:
  Part open(Format format = Format::csv) {
    return {directory_.path(), name(format), format == Format::csv ? "note,sequence\n" : ""};
  }
  static FileName name(Format format) {
    return {.kind = tables::Kind::entries, .day = "2026-11-28", .after = 7, .format = format};
  }
  std::filesystem::path file(Format format = Format::csv) const { return directory_.path() / name(format).text(); }
  void put(const std::string& text, Format format = Format::csv) const {
    std::ofstream(file(format), std::ios::binary) << text;
  }
  std::string text(Format format = Format::csv) const {
    std::ostringstream all;
    all << std::ifstream(file(format), std::ios::binary).rdbuf();
    return all.str();
  }
  static std::vector<std::uint64_t> sequences(const Part& part) {
    std::vector<std::uint64_t> all;
    part.each([&](std::uint64_t sequence) { return all.push_back(sequence), true; });
    return all;
  }

  TemporaryDirectory directory_;
};

TEST_F(PartTest, BeginsWithItsHeaderAndKnowsWhatItFollows) {
  Part part = open();
  EXPECT_FALSE(part.has_rows());
  EXPECT_EQ(part.last(), 7U);
  part.append("a,8\nb,9\n", 9);
  part.sync();
  EXPECT_EQ(part.last(), 9U);
  EXPECT_EQ(text(), "note,sequence\na,8\nb,9\n");
  EXPECT_EQ(sequences(part), (std::vector<std::uint64_t>{8, 9}));
}

TEST_F(PartTest, CutsOffARowThatWasNotWrittenToItsEnd) {
  const std::string whole = "note,sequence\n\"two\nlines, \"\"quoted\"\"\",8\n";
  const std::string torn = "\"half a\nnote,9";
  for (std::size_t length = 0; length <= torn.size(); ++length) {
    put(whole + torn.substr(0, length));
    const Part part = open();
    EXPECT_EQ(part.cut_off(), length);
    EXPECT_EQ(part.last(), 8U);
    EXPECT_TRUE(part.has_rows());
    EXPECT_EQ(text(), whole);
  }
}

TEST_F(PartTest, CutsOffHalfAnObjectOfJson) {
  put("{\"note\":\"}\",\"sequence\":8}\n{\"note\":\"x\",\"seq", Format::jsonl);
  const Part part = open(Format::jsonl);
  EXPECT_EQ(part.last(), 8U);
  EXPECT_EQ(text(Format::jsonl), "{\"note\":\"}\",\"sequence\":8}\n");
}

TEST_F(PartTest, WritesAHeaderAnewThatWasCutShort) {
  put("note,sequ");
  EXPECT_FALSE(open().has_rows());
  EXPECT_EQ(text(), "note,sequence\n");
}

TEST_F(PartTest, CutsOffBlocksThatWereNotWrittenBeforeThePowerWent) {
  put("note,sequence\na,8\n" + std::string(4096, '\0') + "b,9\n");
  EXPECT_EQ(open().last(), 8U);
  EXPECT_EQ(text(), "note,sequence\na,8\n");
}

TEST_F(PartTest, DoesNotTouchWhatSomebodyElseWrote) {
  const std::string strange = "note,sequence\na,8\nhello\nb,9\n";
  put(strange);
  try {
    open();
    FAIL() << "it was taken";
  } catch (const Trouble& trouble) {
    EXPECT_NE(std::string(trouble.what()).find("record 3 is not of this sink's making"), std::string::npos);
  }
  EXPECT_EQ(text(), strange);
}

TEST_F(PartTest, SeesThatAnotherVersionsColumnsDiffer) {
  put("note,sequence,more\na,8\n");
  EXPECT_FALSE(open().has_our_header());
  put("note,sequence,more\n");
  EXPECT_TRUE(open().has_our_header()) << "nothing is in it: it is begun anew";
  EXPECT_EQ(text(), "note,sequence\n");
}

TEST_F(PartTest, TakesBackWhatIsNotSynced) {
  Part part = open();
  part.append("a,8\n", 8);
  part.sync();
  part.append("b,9\n", 9);
  part.take_back();
  EXPECT_EQ(text(), "note,sequence\na,8\n");
  EXPECT_EQ(part.last(), 8U);
  part.append("c,9\n", 9);
  part.sync();
  EXPECT_EQ(text(), "note,sequence\na,8\nc,9\n");
}

TEST_F(PartTest, NeverReplacesAFileByCompletingAnother) {
  put("note,sequence\na,8\n");
  Part part = open();
  const std::filesystem::path complete = directory_.path() / "entries-2026-11-28-000000000007.csv";
  std::ofstream(complete) << "mine";
  EXPECT_THROW(part.complete(), Trouble);
  std::filesystem::remove(complete);
  part.complete();
  EXPECT_TRUE(std::filesystem::exists(complete));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(PartTest, NoticesThatItWasRemoved) {
  const Part part = open();
  EXPECT_FALSE(part.is_gone());
  std::filesystem::remove(file());
  EXPECT_TRUE(part.is_gone());
}

}  // namespace
}  // namespace carbongate::sinks::file

#include "gateway/ledger/export_text.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "ledger_fixtures.h"

namespace carbongate::ledger {
namespace {

using namespace ledger_test;

std::vector<Row> all_kinds() {
  Scribe scribe;
  scribe.write_next();
  model::Series series = press_shop();
  series.user_name = "a \"quoted\" name, with a comma";
  model::EmissionEntry entry = full_entry();
  entry.correction->note = "tab\t, line\n, back\\slash, \"quotes\"";
  scribe.write(series, entry);
  scribe.write(series, entry_by_gwp());
  entry.names_part_of = false;
  scribe.write(series, entry);
  entry = entry_by_gwp();
  entry.names_part_of = false;
  scribe.write(series, entry);
  series.part_of = "works, \"all\"";
  scribe.write(series, entry_by_gwp());
  scribe.seal(SigningKey::generate());
  scribe.seal();
  return scribe.book().rows;
}

std::string text_of(const std::vector<Row>& rows, TextFormat format) {
  std::string text = header(format);
  for (const Row& row : rows) text += to_text(row, format);
  return text;
}

std::vector<Row> read(std::string_view text, bool* is_ledger = nullptr) {
  TextReader reader;
  std::vector<Row> rows;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1);
    if (auto row = reader.read(text.substr(0, end + 1))) rows.push_back(std::move(*row));
    text.remove_prefix(end + 1);
  }
  if (is_ledger) *is_ledger = reader.is_ledger();
  return rows;
}

class ExportText : public ::testing::TestWithParam<TextFormat> {};
INSTANTIATE_TEST_SUITE_P(Formats, ExportText, ::testing::Values(TextFormat::csv, TextFormat::jsonl));

TEST_P(ExportText, ReadsWhatItWrites) {
  const std::vector<Row> rows = all_kinds();
  EXPECT_EQ(read(text_of(rows, GetParam())), rows);
}

TEST_P(ExportText, ReadsLinesEndedAsOnWindows) {
  const std::vector<Row> rows = all_kinds();
  std::string text;
  for (const char c : text_of(rows, GetParam())) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_EQ(read(text), rows);
}

TEST_P(ExportText, HasNoByteThatCouldBeChangedUnseen) {
  const std::vector<Row> rows = all_kinds();
  const std::string text = text_of(rows, GetParam());
  std::mt19937 random(1);
  for (int i = 0; i < 4'000; ++i) {
    std::string changed = text;
    const std::size_t at = random() % changed.size();
    changed[at] = static_cast<char>(random());
    bool is_ledger = false;
    const std::vector<Row> again = read(changed, &is_ledger);
    if (!is_ledger || again == rows) continue;  // refused, or it means the same: a blank between two members, say
    EXPECT_NE(verify(again).findings_total, 0u) << changed.substr(at > 40 ? at - 40 : 0, 80);
  }
}

TEST(ExportText, SaysWhichLineItCannotRead) {
  std::string text = text_of(all_kinds(), TextFormat::csv);
  const auto rows = read(text + "entry,1,2\n");
  const auto* damaged = std::get_if<DamagedRow>(&rows.back());
  ASSERT_TRUE(damaged);
  EXPECT_EQ(damaged->where, "line 11");
  EXPECT_EQ(damaged->why, "47 cells expected, 3 found");
}

// Written by versions that knew no GWP sets, or did not name what contains an entry.
TEST(ExportText, ReadsExportsFromBeforeFormatThree) {
  for (const char* name : {"whole.csv", "whole.jsonl", "format2.csv", "format2.jsonl"}) {
    std::ostringstream text;
    text << std::ifstream(std::filesystem::path(CARBONGATE_SOURCE_DIR) / "tests/fuzz/corpus/fuzz_ledger_export" / name)
                .rdbuf();
    const auto rows = read(text.str());
    ASSERT_GT(rows.size(), 4u) << name;
    const Summary summary = verify(rows);
    EXPECT_EQ(summary.findings_total, 0u) << ledger_test::text_of(summary);
    EXPECT_EQ(read(text_of(rows, TextFormat::csv)), rows);
  }
}

TEST(ExportText, RefusesFieldsThatAreNotThoseOfTheFormat) {
  std::string text = text_of(all_kinds(), TextFormat::csv);
  for (const char was : {'1', '2', '3'}) {
    for (const char is : {'1', '2', '3', '4'}) {
      if (was == is) continue;
      std::string changed = text;
      changed[changed.rfind(std::string("carbongate-entry-") + was) + 17] = is;
      EXPECT_GT(verify(read(changed)).findings_total, 0u) << was << " " << is;
    }
  }
}

// Whatever its format is changed to, an entry is one row: named, and the same when it is written again.
TEST_P(ExportText, NamesAnEntryWhoseFormatWasChanged) {
  const std::string text = text_of(all_kinds(), GetParam());
  for (auto at = text.find("carbongate-entry-"); at != std::string::npos; at = text.find("carbongate-entry-", at + 1)) {
    for (const char is : {'1', '2', '3', '4'}) {
      std::string changed = text;
      if (changed[at + 17] == is) continue;
      changed[at + 17] = is;
      const auto rows = read(changed);
      EXPECT_NE(ledger_test::text_of(verify(rows)).find("#"), std::string::npos) << at << " " << is;
      for (const TextFormat format : {TextFormat::csv, TextFormat::jsonl}) EXPECT_EQ(read(text_of(rows, format)), rows);
    }
  }
}

TEST(ExportText, IsNotTakenForALedgerWithoutItsHeader) {
  for (const std::string text : {"", "\n", "period,begin,end\n", "row,number\n", "anchor,0\n"}) {
    bool is_ledger = true;
    EXPECT_TRUE(read(text, &is_ledger).empty());
    EXPECT_FALSE(is_ledger) << text;
  }
}

TEST(ExportText, RefusesATabThatWouldShiftFields) {
  std::string text = text_of(all_kinds(), TextFormat::jsonl);
  text.replace(text.find("incomer"), 3, "\\t");
  EXPECT_TRUE(std::holds_alternative<DamagedRow>(read(text)[1]));
}

// A reader that keeps the first of two members would see another amount than one that keeps the last.
TEST(ExportText, RefusesAMemberThatStandsThereTwice) {
  const std::string text = text_of(all_kinds(), TextFormat::jsonl);
  const auto with = [&](std::string_view before, std::string_view more) {
    std::string changed = text;
    changed.insert(changed.find(before), more);
    return read(changed);
  };
  const auto rows = with("\"amount\":", "\"amount\":\"0\",");
  ASSERT_TRUE(std::holds_alternative<DamagedRow>(rows[1]));
  EXPECT_EQ(std::get<DamagedRow>(rows[1]).why, "a member stands there twice");
  EXPECT_EQ(std::get<DamagedRow>(rows[1]).where, "line 2");
  EXPECT_TRUE(std::holds_alternative<DamagedRow>(with("\"entry\":", "\"entry\":{},")[1]));
  EXPECT_TRUE(std::holds_alternative<DamagedRow>(with("\"anchor\":", "\"anchor\":{\"number\":\"7\"},")[0]));
}

TEST(ExportText, RefusesCellsThatMeanNothing) {
  std::string text = text_of(all_kinds(), TextFormat::csv);
  text.insert(text.find("\nentry,1"), "x");  // the anchor's last cell
  EXPECT_TRUE(std::holds_alternative<DamagedRow>(read(text)[0]));
}

}  // namespace
}  // namespace carbongate::ledger

#include "gateway/sinks/file/file_name.h"

#include <gtest/gtest.h>

namespace carbongate::sinks::file {
namespace {

using Format = tables::TableWriter::Format;

TEST(FileName, IsReadBackAsItIsWritten) {
  for (const tables::Kind kind : tables::kKinds) {
    for (const bool is_complete : {false, true}) {
      const FileName name{.kind = kind, .day = "2026-11-28", .after = 12'345, .is_complete = is_complete};
      for (const Format format : {Format::csv, Format::jsonl}) {
        EXPECT_EQ(FileName::parse(name.text(format), format), name) << name.text(format);
      }
    }
  }
  const FileName name{.kind = tables::Kind::entries, .day = "2026-11-28", .after = 12'345, .is_complete = false};
  EXPECT_EQ(name.text(Format::csv), "entries-2026-11-28-000000012345.csv.part");
}

TEST(FileName, LeavesAloneWhatIsNotOurs) {
  for (const char* text :
       {"", "entries.csv", "entries-2026-11-28.csv", "entries-2026-11-28-000000012345.jsonl",
        "entries-2026-11-28-000000012345.csv.gz", "entry-2026-11-28-000000012345.csv",
        "entries-2026.11.28-000000012345.csv", "entries-2026-11-28-0000000x2345.csv", "entries-2026-11-28-12345.csv"}) {
    EXPECT_EQ(FileName::parse(text, Format::csv), std::nullopt) << text;
  }
}

TEST(FileName, TakesMoreDigitsThanItWrites) {
  const FileName name{
      .kind = tables::Kind::totals, .day = "2026-11-28", .after = 1'234'567'890'123, .is_complete = true};
  EXPECT_EQ(FileName::parse(name.text(Format::csv), Format::csv), name);
}

}  // namespace
}  // namespace carbongate::sinks::file

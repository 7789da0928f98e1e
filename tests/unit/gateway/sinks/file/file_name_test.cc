#include "gateway/sinks/file/file_name.h"

#include <gtest/gtest.h>

namespace carbongate::sinks::file {
namespace {

using Format = tables::TableWriter::Format;

TEST(FileName, IsReadBackAsItIsWritten) {
  for (const tables::Kind kind : tables::kKinds) {
    for (const bool is_complete : {false, true}) {
      for (const Format format : {Format::csv, Format::jsonl}) {
        const FileName name{
            .kind = kind, .day = "2026-11-28", .after = 12'345, .format = format, .is_complete = is_complete};
        EXPECT_EQ(FileName::parse(name.text()), name) << name.text();
      }
    }
  }
  const FileName name{.kind = tables::Kind::entries, .day = "2026-11-28", .after = 12'345, .format = Format::csv};
  EXPECT_EQ(name.text(), "entries-2026-11-28-000000012345.csv.part");
}

TEST(FileName, LeavesAloneWhatIsNotOurs) {
  for (const char* text :
       {"", "entries.csv", "entries-2026-11-28.csv", "entries-2026-11-28-000000012345.json",
        "entries-2026-11-28-000000012345.csv.gz", "entry-2026-11-28-000000012345.csv",
        "entries-2026.11.28-000000012345.csv", "entries-2026-11-28-0000000x2345.csv", "entries-2026-11-28-12345.csv"}) {
    EXPECT_EQ(FileName::parse(text), std::nullopt) << text;
  }
}

TEST(FileName, TakesMoreDigitsThanItWrites) {
  const FileName name{
      .kind = tables::Kind::totals, .day = "2026-11-28", .after = 1'234'567'890'123, .is_complete = true};
  EXPECT_EQ(FileName::parse(name.text()), name);
}

}  // namespace
}  // namespace carbongate::sinks::file

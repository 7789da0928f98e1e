#include "gateway/model/entry_name.h"

#include <gtest/gtest.h>

namespace carbongate::model {
namespace {

using namespace std::chrono_literals;

const Instant kNewYear = Instant(std::chrono::seconds(1'767'225'600));  // 2026-01-01T00:00:00Z
const EntryName kName{"press-shop", "electricity", "incomer", "energy", kNewYear + 15min, 0};
constexpr const char* kText = "press-shop/electricity/incomer.energy@2026-01-01T00:15:00Z#0";

TEST(EntryName, IsWrittenAndReadInOneWay) {
  EXPECT_EQ(to_string(kName), kText);
  EXPECT_EQ(parse_entry_name(kText), kName);
}

TEST(EntryName, KeepsDotsOfAPointWithItsPoint) {
  EntryName name = kName;
  name.point = "phase.l1";
  name.revision = 4'294'967'295;
  EXPECT_EQ(parse_entry_name(to_string(name)), name);
}

TEST(EntryName, RefusesWhatIsWrittenInAnotherWay) {
  for (const char* text :
       {"", "press-shop", "press-shop/electricity/incomer.energy", "/electricity/incomer.energy@2026-01-01T00:15:00Z#0",
        "press-shop/electricity/incomer@2026-01-01T00:15:00Z#0", "press-shop/electricity/incomer.energy@2026-01-01#0",
        "press-shop/electricity/incomer.energy@2026-01-01T00:15:00Z#",
        "press-shop/electricity/incomer.energy@2026-01-01T00:15:00Z#-1",
        "press-shop/electricity/incomer.energy@2026-01-01T00:15:00Z#00",
        "press-shop/electricity/incomer.energy@2026-01-01T00:15:00Z#4294967296",
        "press-shop/electricity/incomer.energy@2026-01-01T00:15:00+00:00#0"}) {
    EXPECT_FALSE(parse_entry_name(text)) << text;
  }
}

TEST(Utc, HasOneTextForEachInstant) {
  for (const Instant at : {kNewYear, kNewYear + 1ms, kNewYear + 250ms, kNewYear - 1ms, Instant{}, Instant(-1ms),
                           Instant(Duration(INT64_MAX)), Instant(Duration(INT64_MIN)),
                           Instant(std::chrono::sys_days(std::chrono::year(0) / 1 / 1)),
                           Instant(std::chrono::sys_days(std::chrono::year(9999) / 12 / 31) + 86'399'999ms),
                           Instant(std::chrono::sys_days(std::chrono::year(10'000) / 1 / 1))}) {
    EXPECT_EQ(parse_utc(format_utc(at)), at) << format_utc(at);
  }
  EXPECT_EQ(format_utc(kNewYear + 5ms), "2026-01-01T00:00:00.005Z");
  EXPECT_EQ(format_utc(Instant(Duration(253'402'300'800'000))), "253402300800000");
}

TEST(Utc, RefusesAnySecondTextForAnInstant) {
  for (const char* text : {"", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01t00:00:00Z", "2026-01-01T00:00:00.000Z",
                           "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00Zx", "1767225600000", "-001-01-01T00:00:00Z",
                           "2026-01-01T-1:00:00Z", "2026-01-01T00:00:00.-12Z"}) {
    EXPECT_FALSE(parse_utc(text)) << text;
  }
}

}  // namespace
}  // namespace carbongate::model

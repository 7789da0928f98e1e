#include "gateway/model/alert.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

namespace carbongate::model {
namespace {

using namespace std::chrono_literals;

constexpr Instant kNine{std::chrono::milliseconds(1'700'000'100'000)};

TEST(Alert, HasTheSameNameForEver) {
  EXPECT_EQ(alert_id("edz-1", "overload", "incomer.power", kNine), "68393ce6c826dfc0");
}

TEST(Alert, HasANameOfItsOwnForEachSiteRuleSubjectAndTime) {
  std::set<std::string> ids;
  std::size_t count = 0;
  for (const char* site : {"a", "ab"}) {
    for (const char* rule : {"b", "", "bc"}) {
      for (const char* subject : {"c", "bc", ""}) {
        for (int ms = 0; ms < 200; ++ms, ++count) ids.insert(alert_id(site, rule, subject, kNine + ms * 1ms));
      }
    }
  }
  EXPECT_EQ(ids.size(), count);
  EXPECT_EQ(ids.begin()->size(), 16U);
}

TEST(Alert, NamesItsSubject) {
  EXPECT_EQ(subject_name("incomer", "power", "", ""), "incomer.power");
  EXPECT_EQ(subject_name("gateway-2", "", "", ""), "gateway-2");
  EXPECT_EQ(subject_name("", "", "press-shop", ""), "press-shop");
  EXPECT_EQ(subject_name("", "", "press-shop", "electricity"), "press-shop/electricity");
}

TEST(Alert, IsEqualBitByBit) {
  const Alert alert;
  Alert other;
  EXPECT_EQ(alert, other) << "no value is no value";
  other.value = 1;
  EXPECT_FALSE(alert == other);
  other = alert;
  other.note = "seen";
  EXPECT_FALSE(alert == other);
}

TEST(Alert, HasWordsInBothLanguages) {
  std::set<std::string_view> words;
  for (std::uint8_t i = 0; i < kSeverityCount; ++i) {
    words.insert(to_string(static_cast<Severity>(i)));
    words.insert(to_string_zh(static_cast<Severity>(i)));
  }
  for (std::uint8_t i = 1; i <= kAlertStageCount; ++i) {
    words.insert(to_string(static_cast<AlertStage>(i)));
    words.insert(to_string_zh(static_cast<AlertStage>(i)));
  }
  EXPECT_EQ(words.size(), 2 * (kSeverityCount + kAlertStageCount));
  EXPECT_FALSE(words.contains("unknown"));
  EXPECT_FALSE(words.contains("未知"));
}

}  // namespace
}  // namespace carbongate::model
